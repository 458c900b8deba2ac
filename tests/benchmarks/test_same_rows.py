"""The baselines do the same work: they leave the rows that Willcall leaves."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

import pytest
from sqlalchemy import Engine, select

from benchmarks.compared import textbook
from benchmarks.compared.floor import copied_out, write
from benchmarks.loads.orders import make_orders
from benchmarks.measurements.filled import fill
from benchmarks.running.database import Database
from db import tables
from orders.upkeep.reconciliation import reconcile
from schemas.requests import ENVELOPE_FIELDS
from tests.factories import NOW, load, make_event, make_request, make_ticket_class, run, scalar

# What is new in every order, in rows and in the words of the event message.
# The size of an event message is for our relay alone, which the textbook has none of.
_OWN: Final = {
    "id",
    "order_id",
    "subject",
    "number",
    "code",
    "created_at",
    "updated_at",
    "processed_at",
    "bytes",
}

_EVENT: Final = make_event(
    tax={"name": "VAT", "rate": "0.19", "is_included": False, "rounding": "line"},
    ticket_classes=[make_ticket_class(), make_ticket_class("balcony", price="27.35")],
)

_TWO_LINES: Final = [
    {"ticket_class_id": "standing", "quantity": 2, "attendees": [{"first_name": "Ada"}]},
    {"ticket_class_id": "balcony", "quantity": 1, "unit_price": "19.99"},
]


def _orders() -> list[dict[str, Any]]:
    """Return orders as the benchmarks send them, and some that ask for more."""
    address = {"name": "Ada Example", "city": "Paris", "country": "FR"}
    more = {"billing_address": address, "discount": "1.50", "reference": "shop 7", "event_id": "concert"}
    orders = make_orders(5, ["standing", "balcony"])
    orders[3] |= {"line_items": _TWO_LINES, **more}
    orders[4] |= {"line_items": _TWO_LINES, "tax": "3.00", "currency": "USD"}
    return orders


def _process_ours(engine: Engine, orders: list[dict[str, Any]]) -> None:
    for order in orders:
        body = {name: value for name, value in order.items() if name not in ENVELOPE_FIELDS}
        request = make_request(body, tenant=order["tenant"], request_id=order["request_id"])
        assert run(engine, request)[0].status == "processed"


def _process_textbook(engine: Engine, orders: list[dict[str, Any]]) -> None:
    sessions = textbook.make_sessions(engine.url.render_as_string(hide_password=False))
    for order in orders:
        textbook.create_order(sessions, order, NOW)
    sessions.kw["bind"].dispose()


def _all_rows(engine: Engine) -> dict[str, list[str]]:
    """Return all rows of all tables, without what is each order's own, in an order of their own."""
    with engine.connect() as connection:
        return {
            table.name: sorted(
                repr(_without_own(row)) for row in connection.execute(select(table)).mappings()
            )
            for table in tables.metadata.sorted_tables
        }


def _without_own(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _without_own(part) for name, part in sorted(value.items()) if name not in _OWN}
    return [_without_own(part) for part in value] if isinstance(value, list) else value


@pytest.fixture
def database(engine: Engine) -> Iterator[Database]:
    database = Database(engine.url.render_as_string(hide_password=False))
    yield database
    database.engine.dispose()


def test_the_textbook_leaves_the_same_rows_as_our_own_path(engine: Engine, database: Database) -> None:
    load(engine, _EVENT)
    orders = _orders()
    _process_ours(engine, orders)
    ours = _all_rows(engine)
    database.reset()
    _process_textbook(engine, orders)
    theirs = _all_rows(engine)
    assert len(ours["tickets"]) == 9
    for table, rows in ours.items():
        assert theirs[table] == rows, table


def test_the_textbook_creates_no_second_order_for_a_repeated_request(engine: Engine) -> None:
    load(engine, _EVENT)
    orders = make_orders(1, ["standing"])
    _process_textbook(engine, orders * 2)
    assert scalar(engine, "SELECT count(*) FROM orders") == 1
    assert scalar(engine, "SELECT sum(sold) FROM ticket_classes") == 1


def test_the_floor_writes_every_row_of_the_orders(engine: Engine, database: Database) -> None:
    load(engine, _EVENT)
    _process_ours(engine, _orders())
    before = _all_rows(engine)
    batches = copied_out(database)
    database.reset()
    write(database, batches)
    after = _all_rows(engine)
    counters = {"ticket_classes"}  # the floor writes orders, and takes no inventory
    assert {name: rows for name, rows in after.items() if name not in counters} == {
        name: rows for name, rows in before.items() if name not in counters
    }


def test_filled_tables_hold_whole_orders(engine: Engine, database: Database) -> None:
    load(engine, _EVENT)
    _process_ours(engine, _orders())
    fill(database, 50)
    with engine.connect() as connection:
        assert reconcile(connection, now=NOW) == []
    counts = {
        table: scalar(engine, f"SELECT count(*) FROM {table}")
        for table in ("orders", "requests", "event_messages", "tickets")
    }
    assert counts == {"orders": 55, "requests": 55, "event_messages": 55, "tickets": 99}
