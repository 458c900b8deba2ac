"""A change costs what it changes: rows that did not change are not written, and not even read."""

from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Engine, event

from tests.factories import (
    load,
    make_change,
    make_event,
    make_seated_class,
    make_ticket_class,
    place,
    read,
    rows,
    run,
)
from willcall.kinds import CANCEL, CHECK_IN, PAY, UPDATE

_TABLES = ("orders", "order_lines", "tickets", "payments", "notes", "ticket_classes", "seats")


def _place(engine: Engine) -> UUID:
    load(engine, make_event(ticket_classes=[make_ticket_class(), make_seated_class()]))
    items = [
        {"ticket_class_id": "standing", "quantity": 5},
        {"ticket_class_id": "stalls", "quantity": 3},
    ]
    note = {"internal_notes": ["first", "second"]}
    return place(engine, line_items=items, payments=[{"type": "cash", "amount": "1.00"}], **note)


def _versions(engine: Engine) -> dict[tuple[str, str], str]:
    """Return which transaction wrote each row, by table and key."""
    found = {}
    for table in _TABLES:
        for row in rows(engine, f"SELECT ctid::text, xmin::text, t::text FROM {table} t"):
            found[table, row[2]] = row[1]
    return found


def _written(engine: Engine, kind: str, **body: Any) -> dict[str, int]:
    """Return how many rows of each table the request wrote."""
    before = _versions(engine)
    (outcome,) = run(engine, make_change(kind, **body))
    assert outcome.status == "processed", outcome
    counts: dict[str, int] = {}
    for (table, row), version in _versions(engine).items():
        if before.get((table, row)) != version:
            counts[table] = counts.get(table, 0) + 1
    return counts


def test_a_check_in_writes_one_ticket_and_the_order_s_counters(engine: Engine) -> None:
    order_id = _place(engine)
    ticket = read(engine, order_id)["tickets"][2]
    assert _written(engine, CHECK_IN, ticket_id=str(ticket["id"])) == {"orders": 1, "tickets": 1}


def test_a_payment_writes_itself_and_the_order(engine: Engine) -> None:
    order_id = _place(engine)
    assert _written(engine, PAY, order_id=str(order_id), type="cash") == {"orders": 1, "payments": 1}


def test_another_phone_number_writes_the_order_alone(engine: Engine) -> None:
    order_id = _place(engine)
    assert _written(engine, UPDATE, order_id=str(order_id), patch={"buyer": {"phone": "1"}}) == {"orders": 1}


def test_another_attendee_writes_one_ticket(engine: Engine) -> None:
    order_id = _place(engine)
    lines = [
        {"ticket_class_id": "standing", "quantity": 5, "attendees": [{"first_name": "Ada"}]},
        {"ticket_class_id": "stalls", "quantity": 3},
    ]
    assert _written(engine, UPDATE, order_id=str(order_id), patch={"line_items": lines}) == {
        "orders": 1,
        "tickets": 1,
    }


def test_one_ticket_more_writes_its_line_its_class_and_itself(engine: Engine) -> None:
    order_id = _place(engine)
    lines = [{"ticket_class_id": "standing", "quantity": 6}, {"ticket_class_id": "stalls", "quantity": 3}]
    assert _written(engine, UPDATE, order_id=str(order_id), patch={"line_items": lines}) == {
        "orders": 1,
        "order_lines": 1,
        "tickets": 1,
        "ticket_classes": 1,
    }


def test_a_cancelled_seat_writes_its_ticket_line_class_and_seat(engine: Engine) -> None:
    order_id = _place(engine)
    part = [{"line_number": 2, "quantity": 1}]
    assert _written(engine, CANCEL, order_id=str(order_id), lines=part) == {
        "orders": 1,
        "order_lines": 1,
        "tickets": 1,
        "ticket_classes": 1,
        "seats": 1,
    }


def test_a_note_more_writes_the_notes_that_changed(engine: Engine) -> None:
    order_id = _place(engine)
    patch = {"internal_notes": ["first", "another", "third"]}
    assert _written(engine, UPDATE, order_id=str(order_id), patch=patch) == {"orders": 1, "notes": 2}


@pytest.mark.parametrize("kind", [CHECK_IN, PAY])
def test_neither_a_check_in_nor_a_payment_reads_the_other_tickets(engine: Engine, kind: str) -> None:
    order_id = _place(engine)
    ticket = read(engine, order_id)["tickets"][0]
    name: dict[str, Any] = (
        {"ticket_id": str(ticket["id"])} if kind == CHECK_IN else {"order_id": str(order_id), "type": "cash"}
    )
    fetched = 0

    def count(context: Any) -> None:
        nonlocal fetched
        fetched += max(context.cursor.rowcount, 0) if "FROM tickets t LEFT JOIN" in context.statement else 0

    def after(conn: Any, cursor: Any, statement: str, parameters: Any, context: Any, many: bool) -> None:
        count(context)

    event.listen(engine, "after_cursor_execute", after)
    try:
        run(engine, make_change(kind, **name))
    finally:
        event.remove(engine, "after_cursor_execute", after)
    assert fetched == (1 if kind == CHECK_IN else 0)


def test_a_change_of_words_waits_for_nobody_who_sells(engine: Engine) -> None:
    """The lock of a ticket class is what everybody waits for: an update without lines does not want it."""
    order_id = _place(engine)
    with engine.begin() as seller:
        seller.exec_driver_sql("SELECT 1 FROM ticket_classes FOR UPDATE")
        patch = {"buyer": {"phone": "2"}}
        ticket = read(engine, order_id)["tickets"][0]
        for kind, body in (
            (UPDATE, {"order_id": str(order_id), "patch": patch}),
            (PAY, {"order_id": str(order_id), "type": "cash"}),
            (CHECK_IN, {"ticket_id": str(ticket["id"])}),
        ):
            with engine.begin() as connection:
                connection.exec_driver_sql("SET LOCAL lock_timeout = '2s'")
            assert run(engine, make_change(kind, **body))[0].status == "processed"
