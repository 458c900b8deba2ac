"""Each kind of damage, planted behind the system's back, is found as what it is, and as nothing else."""

import re
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import Engine, text

from orders.upkeep.reconciliation import RULES, reconcile
from orders.upkeep.ticks import claim_tick
from tests.factories import (
    NOW,
    load,
    make_change,
    make_event,
    make_request,
    make_seated_class,
    make_ticket_class,
    place,
    run,
    scalar,
    send_events,
)
from tests.orders.upkeep.reconciliation_damage import DAMAGE
from willcall.kinds import CANCEL, CHECK_IN, PAY, TAKE, UPDATE


def found_in(engine: Engine, later: timedelta = timedelta()) -> list[str]:
    with engine.begin() as connection:
        return [one.rule for one in reconcile(connection, now=NOW + later)]


def damage_by(engine: Engine, statement: str) -> None:
    with engine.begin() as connection:
        assert connection.execute(text(statement)).rowcount > 0, "nothing was damaged"


def _tax(rounding: str, *, is_included: bool = False) -> dict[str, object]:
    return {"name": "VAT", "rate": "0.19", "is_included": is_included, "rounding": rounding}


def _classes(prefix: str) -> list[dict[str, object]]:
    return [make_ticket_class(f"{prefix}-{number}", price=f"{number}.03") for number in range(1, 4)]


@pytest.fixture
def sold(engine: Engine) -> Engine:
    """Return a database with orders in every state, holds and seats, and everything sent."""
    load(
        engine,
        make_event(
            ticket_classes=[
                make_ticket_class(),
                make_ticket_class("balcony"),
                make_ticket_class("free", price="0.00"),
                make_seated_class(),
            ],
            promo_codes=[{"code": "FIVE", "amount": "5.00", "max_uses": 9}, {"code": "TEN", "percent": "10"}],
        ),
        make_event("opera", tax=_tax("line"), ticket_classes=_classes("opera")),
        make_event("ballet", tax=_tax("sum_by_net"), ticket_classes=_classes("ballet")),
        make_event("musical", tax=_tax("sum_by_net", is_included=True), ticket_classes=_classes("musical")),
        make_event(
            "play", tax=_tax("sum_by_net_keep_gross", is_included=True), ticket_classes=_classes("play")
        ),
    )
    for prefix in ("opera", "ballet", "musical", "play"):
        lines = [
            {"ticket_class_id": f"{prefix}-{number}", "quantity": 1, "unit_price": f"{number}.03"}
            for number in range(1, 4)
        ]
        place(engine, reference=prefix, line_items=lines)
    place(engine, reference="changed", quantity=3, payments=[{"type": "cash", "amount": "1.00"}])
    place(engine, reference="seated", ticket_class="stalls", quantity=2)
    place(engine, reference="given", ticket_class="opera-1", tax="7.00")
    place(engine, reference="free", ticket_class="free")
    place(engine, reference="due", payment_due_at=(NOW + timedelta(days=1)).isoformat())
    place(engine, reference="promo", promo_code="five")
    returned, given_up = (place(engine, promo_code=code) for code in ("FIVE", "TEN"))
    paid = place(engine, reference="paid", payments=[{"type": "cash", "amount": "45.50"}])
    cancelled, refunded = (place(engine, reference=name) for name in ("cancelled", "refunded"))
    held, used = (make_change(TAKE, ticket_class_id="stalls", quantity=2) for _ in range(2))
    run(
        engine,
        make_request(ticket_class="none"),
        held,
        used,
        make_request(reference="holder", line_items=[{"hold_id": str(used.request_id)}]),
        make_change(PAY, order_id=str(refunded), type="cash"),
        make_change(CANCEL, order_id=str(cancelled)),
        make_change(CANCEL, order_id=str(refunded)),
        make_change(CANCEL, order_id=str(returned)),
        make_change(UPDATE, order_id=str(given_up), patch={"total_discount": "1.00"}),
        make_change(PAY, order_id=str(refunded), type="cash", is_refund=True),
        make_change(UPDATE, order_id=str(_named(engine, "changed")), patch={"shipping": "5.00"}),
        make_change(CHECK_IN, ticket_id=str(_ticket(engine, paid))),
    )
    with engine.begin() as connection:
        send_events(connection)
    return engine


def _named(engine: Engine, reference: str) -> UUID:
    id_: UUID = scalar(engine, "SELECT id FROM orders WHERE reference = :reference", reference=reference)
    return id_


def _ticket(engine: Engine, order_id: UUID) -> UUID:
    id_: UUID = scalar(engine, "SELECT id FROM tickets WHERE order_id = :id", id=order_id)
    return id_


def test_nothing_is_found_where_nothing_is_wrong(sold: Engine) -> None:
    assert found_in(sold) == []


@pytest.mark.parametrize(("damage", "rules"), DAMAGE)
def test_damage_is_found_as_what_it_is(sold: Engine, damage: str, rules: str) -> None:
    damage_by(sold, damage)
    assert sorted(found_in(sold)) == sorted(rules.split())


def test_a_total_that_no_constraint_holds_is_found(sold: Engine) -> None:
    with sold.connect() as connection:
        connection.execute(text("ALTER TABLE orders DROP CONSTRAINT orders_total_check"))
        connection.execute(text("UPDATE orders SET total = total + 1 WHERE reference = 'due'"))
        found = [one.rule for one in reconcile(connection, now=NOW)]
        connection.rollback()
    assert found == ["balance_does_not_follow"]


def test_a_class_of_which_both_counters_are_wrong_is_found_for_both(sold: Engine) -> None:
    damage_by(
        sold, "UPDATE ticket_classes SET sold = sold + 1, held = held + 1 WHERE external_id = 'opera-1'"
    )
    assert sorted(found_in(sold)) == ["held_differs_from_holds", "sold_differs_from_tickets"]


def test_a_seat_of_another_class_is_found(sold: Engine) -> None:
    load(sold, make_event("circus", ticket_classes=[make_seated_class("ring")]))
    with sold.begin() as connection:
        ring = "(SELECT s.id FROM seats s JOIN ticket_classes c ON c.id = ticket_class_id"
        ring += " WHERE external_id = 'ring' AND label = '1')"
        old = "(SELECT seat_id FROM tickets WHERE order_id = :id LIMIT 1)"
        id_ = {"id": _named(sold, "seated")}
        connection.execute(text(f"UPDATE seats SET is_taken = false WHERE id = {old}"), id_)
        connection.execute(text(f"UPDATE seats SET is_taken = true WHERE id = {ring}"))
        connection.execute(text(f"UPDATE tickets SET seat_id = {ring} WHERE seat_id = {old}"), id_)
    assert found_in(sold) == ["ticket_with_seat_of_another_class"]


def test_what_is_stuck_is_found_after_ten_minutes(sold: Engine) -> None:
    with sold.begin() as connection:
        connection.execute(
            text("""
            INSERT INTO delayed_requests VALUES
            (gen_random_uuid(), 'orders.create', convert_to('{"tenant": "demo"}', 'UTF8'), 3, 'x', :now)
            """),
            {"now": NOW},
        )
    place(sold, quantity=2)
    assert found_in(sold, timedelta(minutes=9)) == []
    assert sorted(found_in(sold, timedelta(minutes=11))) == ["event_message_stuck", "request_stuck"]


def test_a_job_that_did_not_run_for_several_intervals_is_the_system_s_finding(sold: Engine) -> None:
    every = {"holds.sweep": 5.0, "reconciliation.run": 300.0, "documents.sweep": 5.0}
    with sold.begin() as connection:
        for job in ("holds.sweep", "reconciliation.run"):
            claim_tick(connection, job, 1, now=NOW)
        soon = reconcile(connection, now=NOW + timedelta(minutes=9), job_intervals=every)
        [found] = reconcile(connection, now=NOW + timedelta(minutes=20), job_intervals=every)
        [again] = reconcile(connection, now=NOW + timedelta(minutes=20), job_intervals=every)
    assert soon == []
    assert (found.rule, found.tenant_id, found.is_new) == ("scheduled_job_not_run", None, True)
    assert found.detail.startswith("holds.sweep began last at ")
    assert not again.is_new
    assert scalar(sold, "SELECT count(*) FROM discrepancies WHERE tenant_id IS NULL") == 1
    assert scalar(sold, "SELECT count(*) FROM outbox") == 0


def test_every_rule_has_a_test() -> None:
    tested = {rule for _, rules in DAMAGE for rule in rules.split()}
    assert set(RULES) == tested | {
        "ticket_with_seat_of_another_class",
        "event_message_stuck",
        "request_stuck",
        "scheduled_job_not_run",
    }


def test_every_rule_is_explained() -> None:
    page = (Path(__file__).parents[3] / "docs" / "reconciliation.md").read_text()
    rows = [line for line in page.splitlines() if line.startswith("| `")]
    explained = {name: row for row in rows for name in re.findall(r"`(\w+)`", row.split("|")[1])}
    assert explained.keys() == RULES.keys()
    untold = {name for name, row in explained.items() if "*not told*" in row}
    assert untold == {rule.name for rule in RULES.values() if not rule.is_published}
