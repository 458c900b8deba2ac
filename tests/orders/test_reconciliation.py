from datetime import timedelta

import pytest
from sqlalchemy import Engine, text

from orders.upkeep.reconciliation import RULES, reconcile
from tests.factories import (
    NOW,
    load,
    make_event,
    make_request,
    make_seated_class,
    make_ticket_class,
    rows,
    run,
)


def _found(engine: Engine, later: timedelta = timedelta()) -> list[str]:
    with engine.begin() as connection:
        return [one.rule for one in reconcile(connection, now=NOW + later)]


@pytest.fixture
def sold(engine: Engine) -> Engine:
    load(engine, make_event(ticket_classes=[make_ticket_class(), make_seated_class()]))
    run(
        engine,
        make_request(quantity=3, payments=[{"type": "cash", "amount": "1.00"}]),
        make_request(ticket_class="stalls", quantity=2),
        make_request(ticket_class="none"),
    )
    return engine


def test_nothing_is_found_where_nothing_is_wrong(sold: Engine) -> None:
    assert _found(sold) == []


@pytest.mark.parametrize(
    ("damage", "rule"),
    [
        (
            "UPDATE orders SET subtotal = subtotal + 1, discount = discount + 1",
            "total_differs_from_lines",
        ),
        ("DELETE FROM tickets WHERE seat_id IS NULL", "tickets_differ_from_quantity"),
        ("UPDATE orders SET paid = paid + 1", "paid_differs_from_payments"),
        ("UPDATE ticket_classes SET sold = sold + 1", "sold_differs_from_tickets"),
        ("UPDATE seats SET is_taken = false WHERE label = '1'", "seat_taken_without_ticket"),
        ("UPDATE seats SET is_taken = true WHERE label = '9'", "seat_taken_without_ticket"),
        (
            "UPDATE requests SET order_id = gen_random_uuid() WHERE status = 'processed'",
            "request_without_order",
        ),
        ("DELETE FROM event_messages WHERE type = 'order.confirmed'", "order_without_event_message"),
        ("UPDATE orders SET refunded = 1", "refunded_differs_from_refunds"),
        ("UPDATE ticket_classes SET held = 1", "held_differs_from_holds"),
    ],
)
def test_damage_is_found_by_its_rule(sold: Engine, damage: str, rule: str) -> None:
    with sold.begin() as connection:
        connection.execute(text(damage))
    assert rule in _found(sold)


def test_what_is_stuck_is_found_after_ten_minutes(sold: Engine) -> None:
    with sold.begin() as connection:
        connection.execute(
            text("""
            INSERT INTO delayed_requests VALUES
            (gen_random_uuid(), 'orders.create', convert_to('{"tenant": "demo"}', 'UTF8'), 3, 'x', :now)
            """),
            {"now": NOW},
        )
    assert _found(sold, timedelta(minutes=9)) == []
    late = _found(sold, timedelta(minutes=11))
    assert sorted(set(late)) == ["event_message_stuck", "request_stuck"]


def test_a_discrepancy_is_told_once_and_again_when_it_comes_back(sold: Engine) -> None:
    def told() -> int:
        query = "SELECT count(*) FROM event_messages WHERE type = 'reconciliation.discrepancy_found'"
        return int(rows(sold, query)[0][0])

    def damage(by: int) -> None:
        with sold.begin() as connection:
            connection.execute(
                text("UPDATE ticket_classes SET sold = sold + :by WHERE external_id = 'stalls'"), {"by": by}
            )

    damage(1)
    _found(sold)
    _found(sold, timedelta(minutes=1))
    assert told() == 1
    damage(-1)
    assert _found(sold, timedelta(minutes=2)) == []
    damage(1)
    _found(sold, timedelta(minutes=3))
    assert told() == 2


def test_every_rule_has_a_test() -> None:
    tested = {mark.args[1][index][1] for mark in _marks() for index in range(len(mark.args[1]))}
    assert set(RULES) == tested | {"event_message_stuck", "request_stuck"}


def _marks() -> list[pytest.Mark]:
    return list(test_damage_is_found_by_its_rule.pytestmark)  # type: ignore[attr-defined]
