"""Each kind of damage, planted behind the system's back, is found as what it is, and as nothing else."""

import re
from datetime import timedelta
from pathlib import Path
from typing import Final
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


def _order(reference: str) -> str:
    return f"(SELECT id FROM orders WHERE reference = '{reference}')"


_DAMAGE: Final = [
    # A cancelled order with valid tickets: either side.
    (
        f"UPDATE tickets SET status = 'valid' WHERE order_id = {_order('cancelled')}",
        "cancelled_order_with_valid_tickets",
    ),
    (
        "UPDATE orders SET status = 'cancelled', cancelled_at = now() WHERE reference = 'given'",
        "cancelled_order_with_valid_tickets",
    ),
    ("UPDATE orders SET cancelled_at = NULL WHERE reference = 'cancelled'", "cancellation_incomplete"),
    ("UPDATE orders SET status = 'placed' WHERE reference = 'cancelled'", "cancellation_incomplete"),
    # A payment status that does not follow, of every status.
    *(
        (
            f"UPDATE orders SET payment_status = '{status}' WHERE reference = '{reference}'",
            "wrong_payment_status",
        )
        for reference, statuses in {
            "seated": ("paid", "partially_paid", "refunded"),
            "changed": ("unpaid", "paid", "refunded"),
            "paid": ("unpaid", "partially_paid", "refunded"),
            "free": ("unpaid", "refunded"),
            "cancelled": ("paid", "partially_paid", "refunded"),
            "refunded": ("unpaid", "paid"),
        }.items()
        for status in statuses
    ),
    ("UPDATE orders SET status = 'cancelled' WHERE reference = 'refunded'", "wrong_payment_status"),
    ("UPDATE orders SET status = 'refunded' WHERE reference = 'cancelled'", "wrong_payment_status"),
    # An order without its row of the inbox.
    (f"DELETE FROM requests WHERE order_id = {_order('free')}", "order_without_request"),
    (
        f"UPDATE requests SET idempotency_key = 'another' WHERE order_id = {_order('free')}",
        "order_without_request",
    ),
    # An event message that is gone: before it was sent, or after; the first, one between, the last.
    (f"DELETE FROM event_messages WHERE subject = {_order('free')}", "order_without_event_message"),
    (
        f"DELETE FROM event_messages WHERE sequence = 1 AND subject = {_order('refunded')}",
        "order_without_event_message",
    ),
    (
        f"DELETE FROM event_messages WHERE sequence = 2 AND subject = {_order('refunded')}",
        "order_without_event_message",
    ),
    (
        f"DELETE FROM event_messages WHERE type = 'payment.recorded' AND sequence > 2"
        f" AND subject = {_order('refunded')}",
        "order_without_event_message",
    ),
    (
        f"UPDATE event_messages SET sequence = 9 WHERE subject = {_order('free')}",
        "order_without_event_message event_message_never_sent",
    ),
    (
        "UPDATE event_messages SET subject = gen_random_uuid() WHERE type = 'order.rejected'",
        "rejection_without_event_message event_message_of_nothing event_message_never_sent",
    ),
    ("DELETE FROM event_messages WHERE type = 'order.rejected'", "rejection_without_event_message"),
    (f"DELETE FROM sent_marks WHERE subject = {_order('free')}", "event_message_never_sent"),
    (
        f"UPDATE sent_marks SET sequence = sequence - 1 WHERE subject = {_order('refunded')}",
        "event_message_never_sent",
    ),
    (
        "INSERT INTO outbox SELECT id, 9, now() FROM orders WHERE reference = 'free'",
        "outbox_row_without_event_message",
    ),
    # The type of an event message: the first one's, a cancellation's, one too many, and each of the others.
    *(
        (
            f"UPDATE event_messages SET type = '{to}' WHERE type = '{type_}'"
            f" AND subject = {_order(reference)}",
            "wrong_event_type",
        )
        for reference, type_, to in (
            ("free", "order.confirmed", "order.updated"),
            ("free", "order.confirmed", "order.cancelled"),
            ("free", "order.confirmed", "order.rejected"),
            ("free", "order.confirmed", "reconciliation.discrepancy_found"),
            ("cancelled", "order.cancelled", "order.updated"),
            ("cancelled", "ticket.voided", "ticket.issued"),
            ("refunded", "order.cancelled", "order.confirmed"),
            ("refunded", "payment.recorded", "order.updated"),
            ("changed", "order.updated", "order.cancelled"),
            ("changed", "order.updated", "payment.recorded"),
            ("changed", "order.updated", "ticket.checked_in"),
            ("paid", "ticket.checked_in", "payment.recorded"),
        )
    ),
    (f"DELETE FROM order_changes WHERE order_id = {_order('changed')}", "history_differs_from_version"),
    # A ticket without a code, whatever became of it.
    (f"UPDATE tickets SET code = NULL WHERE order_id = {_order('free')}", "ticket_without_code"),
    (f"UPDATE tickets SET code = NULL WHERE order_id = {_order('due')}", "ticket_without_code"),
    (f"UPDATE tickets SET code = NULL WHERE order_id = {_order('paid')}", "ticket_without_code"),
    # A ticket of another class than its line: either side, in its event or in another.
    *(
        (
            f"UPDATE {table} SET ticket_class_id = (SELECT id FROM ticket_classes"
            f" WHERE external_id = '{name}') WHERE order_id = {_order('due')}",
            rules,
        )
        for table, name, rules in (
            ("tickets", "balcony", "ticket_of_another_class"),
            ("tickets", "stalls", "ticket_of_another_class"),
            ("tickets", "opera-1", "ticket_of_another_class"),
            ("order_lines", "balcony", "ticket_of_another_class"),
        )
    ),
    (
        f"UPDATE order_lines SET event_id = (SELECT id FROM events WHERE external_id = 'play')"
        f" WHERE order_id = {_order('given')}",
        "line_of_another_event",
    ),
    # The tax of a line, by every way of rounding; by the line it is exact, by the sum the spread is, too.
    *(
        (
            f"UPDATE order_lines SET tax = tax {by} WHERE line_number = {line}"
            f" AND order_id = {_order(reference)}",
            "wrong_line_tax",
        )
        for reference in ("opera", "ballet", "musical", "play")
        for line in (1, 2, 3)
        for by in ("+ 0.01", "- 0.01", "+ 1")
    ),
    (f"UPDATE order_lines SET tax = 0.01 WHERE order_id = {_order('seated')}", "wrong_line_tax"),
    (f"UPDATE order_lines SET tax = 0.01 WHERE order_id = {_order('given')}", "wrong_line_tax"),
    (f"UPDATE order_lines SET tax = 0.01 WHERE order_id = {_order('cancelled')}", "wrong_line_tax"),
    *(
        (
            f"UPDATE orders SET tax = tax + 1, total = total + 1 WHERE reference = '{reference}'",
            "tax_differs_from_lines",
        )
        for reference in ("opera", "ballet", "given", "seated")
    ),
    (
        "UPDATE orders SET included_tax = included_tax - 0.01 WHERE reference = 'musical'",
        "tax_differs_from_lines",
    ),
    # A seat that is free and sold, and other contradictions of seats.
    (
        f"UPDATE seats SET is_taken = false WHERE id IN (SELECT seat_id FROM tickets"
        f" WHERE order_id = {_order('seated')})",
        "seat_free_but_sold seat_free_but_sold",
    ),
    (
        "UPDATE seats SET is_taken = false WHERE hold_id IS NOT NULL",
        "seat_free_but_held seat_free_but_held",
    ),
    ("UPDATE seats SET is_taken = true WHERE label = '19'", "seat_taken_without_ticket"),
    (
        f"UPDATE seats SET hold_id = (SELECT id FROM holds WHERE status = 'used') WHERE id IN"
        f" (SELECT seat_id FROM tickets WHERE order_id = {_order('holder')})",
        "seat_sold_and_held seat_sold_and_held",
    ),
    (
        "UPDATE seats SET hold_id = NULL WHERE hold_id IS NOT NULL",
        "seat_taken_without_ticket seat_taken_without_ticket seats_differ_from_hold",
    ),
    (
        f"WITH seat AS (UPDATE seats SET is_taken = false WHERE id IN (SELECT seat_id FROM tickets"
        f" WHERE order_id = {_order('seated')}))"
        f" UPDATE tickets SET seat_id = NULL WHERE order_id = {_order('seated')}",
        "ticket_without_seat ticket_without_seat",
    ),
    # A hold that is counted twice: used and still held, in either way.
    ("UPDATE holds SET status = 'held' WHERE status = 'used'", "hold_counted_twice"),
    (
        "WITH hold AS (UPDATE holds SET status = 'held' WHERE status = 'used')"
        " UPDATE ticket_classes SET held = held + 2 WHERE external_id = 'stalls'",
        "hold_counted_twice",
    ),
    ("UPDATE holds SET status = 'released' WHERE status = 'used'", "hold_counted_twice"),
    ("UPDATE holds SET order_id = NULL WHERE status = 'used'", "used_hold_without_order"),
    ("UPDATE holds SET order_id = gen_random_uuid() WHERE status = 'used'", "used_hold_without_order"),
    ("UPDATE ticket_classes SET held = held + 1 WHERE external_id = 'balcony'", "held_differs_from_holds"),
    ("UPDATE ticket_classes SET sold = sold + 1 WHERE external_id = 'balcony'", "sold_differs_from_tickets"),
    (f"DELETE FROM tickets WHERE order_id = {_order('due')}",
        "tickets_differ_from_quantity sold_differs_from_tickets"),
    # The uses of a promo code that drifted from the orders that use it: either side.
    *(
        (damage, "promo_code_uses_differ_from_orders")
        for damage in (
            "UPDATE promo_codes SET used = used + 1 WHERE code = 'FIVE'",
            "UPDATE promo_codes SET used = used - 1 WHERE code = 'FIVE'",
            "UPDATE promo_codes SET used = 1 WHERE code = 'TEN'",
            "UPDATE orders SET promo_terms = NULL WHERE reference = 'promo'",
            "UPDATE orders SET promo_terms = '[]' WHERE reference = 'promo'",
            """UPDATE orders SET promo_terms = (promo_terms::jsonb #- '{0,is_returned}')::json
                WHERE status = 'cancelled' AND promo_code = 'FIVE'""",
        )
    ),
    # A balance that does not follow: from its parts, from what was told, from its payments.
    *(
        (
            f"UPDATE orders SET {name} = {name} + 1, total = total {by} 1 WHERE reference = 'paid'",
            "amounts_differ_from_event_message" + more,
        )
        for name, by, more in (
            ("shipping", "+", " wrong_payment_status"),
            ("service_fee", "+", " wrong_payment_status"),
            ("additional_expense", "+", " wrong_payment_status"),
            ("discount", "-", ""),
        )
    ),
    ("UPDATE orders SET subtotal = subtotal + 1, total = total + 1 WHERE reference = 'due'",
        "total_differs_from_lines"),
    ("UPDATE orders SET paid = paid + 1 WHERE reference = 'changed'", "paid_differs_from_payments"),
    ("UPDATE orders SET paid = paid + 1 WHERE reference = 'due'", "paid_differs_from_payments"),
    (f"UPDATE payments SET amount = amount + 1 WHERE order_id = {_order('changed')}",
        "paid_differs_from_payments"),
    (f"UPDATE payments SET status = 'pending' WHERE order_id = {_order('changed')}",
        "paid_differs_from_payments"),
    (f"DELETE FROM payments WHERE order_id = {_order('changed')}", "paid_differs_from_payments"),
    ("UPDATE orders SET refunded = refunded + 1 WHERE reference = 'refunded'",
        "refunded_differs_from_refunds"),
    (f"UPDATE payments SET payment_number = 3 WHERE order_id = {_order('changed')}", "payment_missing"),
    (
        "WITH refund AS (UPDATE payments SET amount = 50 WHERE is_refund"
        f" AND order_id = {_order('refunded')})"
        " UPDATE orders SET refunded = 50 WHERE reference = 'refunded'",
        "balance_does_not_follow",
    ),
    ("UPDATE orders SET expires_at = NULL WHERE reference = 'due'", "expires_at_does_not_follow"),
    ("UPDATE orders SET expires_at = now() WHERE reference = 'paid'", "expires_at_does_not_follow"),
    (
        f"UPDATE requests SET order_id = gen_random_uuid() WHERE kind = 'orders.cancel'"
        f" AND order_id = {_order('cancelled')}",
        "request_without_order",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("damage", "rules"), _DAMAGE)
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
    tested = {rule for _, rules in _DAMAGE for rule in rules.split()}
    assert set(RULES) == tested | {
        "ticket_with_seat_of_another_class",
        "event_message_stuck",
        "request_stuck",
        "scheduled_job_not_run",
    }


def test_every_rule_is_explained() -> None:
    page = (Path(__file__).parents[2] / "docs" / "reconciliation.md").read_text()
    rows = [line for line in page.splitlines() if line.startswith("| `")]
    explained = {name: row for row in rows for name in re.findall(r"`(\w+)`", row.split("|")[1])}
    assert explained.keys() == RULES.keys()
    untold = {name for name, row in explained.items() if "*not told*" in row}
    assert untold == {rule.name for rule in RULES.values() if not rule.is_published}
