"""Pages of an event with many orders: found by index, at the same cost wherever they are."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, TextClause, event, text

from benchmarks.loads.many_orders import fill
from orders.reading.event_listings import EventOrders, OrderBy, WantedListing, find_event
from orders.reading.listing import BLOCK
from orders.reading.listing_statements import ALL_BY_ID, CHANGED, FOUND_BY_ID, FOUND_BY_NAME
from tests.factories import load

COUNT = 20_000
NOW = datetime.now(UTC)


@pytest.fixture(scope="module")
def filled(migrated: Engine) -> Iterator[Engine]:
    names = "tenants, tenant_aliases, ticket_keys, events, ticket_classes, orders, order_lines, tickets"
    with migrated.begin() as connection:
        connection.execute(text(f"TRUNCATE {names} CASCADE"))
    load(migrated)
    fill(migrated, "standing", COUNT)
    yield migrated
    with migrated.begin() as connection:
        connection.execute(text(f"TRUNCATE {names} CASCADE"))


@pytest.fixture
def connection(filled: Engine) -> Iterator[Connection]:
    with filled.connect() as connection:
        yield connection


def wanted(connection: Connection, order_by: OrderBy = "created", search: str = "") -> WantedListing:
    tenant_id = connection.execute(text("SELECT id FROM tenants")).scalar_one()
    concert = find_event(connection, tenant_id, "concert")
    assert concert is not None
    return WantedListing(tenant_id, concert.id, order_by, search)


def plan(connection: Connection, statement: TextClause, of: WantedListing, since: datetime = NOW) -> str:
    connection.execute(text("SET LOCAL plan_cache_mode = force_custom_plan"))
    rows = connection.execute(text("EXPLAIN " + statement.text), {**of.parameters, "since": since})
    return "\n".join(row[0] for row in rows)


def test_a_list_reads_nothing_but_an_index(connection: Connection) -> None:
    found = plan(connection, ALL_BY_ID, wanted(connection))

    assert "Index Only Scan using order_lines_event_id_order_id_idx" in found
    assert "Seq Scan" not in found


@pytest.mark.parametrize("statement", [FOUND_BY_ID, FOUND_BY_NAME])
def test_a_search_uses_its_index(connection: Connection, statement: TextClause) -> None:
    found = plan(connection, statement, wanted(connection, search="ab1"))

    assert "Bitmap Index Scan on orders_search" in found
    assert "Seq Scan" not in found


def test_what_has_changed_is_found_by_an_index(connection: Connection) -> None:
    found = plan(connection, CHANGED, wanted(connection))

    assert "orders_updated_at_idx" in found
    assert "Seq Scan" not in found


@pytest.mark.parametrize("order_by", ["created", "name"])
def test_pages_are_what_a_sort_of_everything_gives(connection: Connection, order_by: OrderBy) -> None:
    sort = {
        "created": "id",
        "name": 'lower(buyer_last_name) COLLATE "C", lower(buyer_first_name) COLLATE "C", id',
    }
    expected = list(connection.scalars(text(f"SELECT id FROM orders ORDER BY {sort[order_by]}")))
    of, found = wanted(connection, order_by), EventOrders()

    for position in (0, 255, 256, 10_000, COUNT - 20, COUNT - 5, COUNT):
        page, records = found.page(connection, of, position, 20, descending=False, now=NOW)
        assert (page, records) == (expected[position : position + 20], COUNT)
        page, _ = found.page(connection, of, position, 20, descending=True, now=NOW)
        assert page == expected[::-1][position : position + 20]


def test_a_search_finds_what_a_look_at_everything_finds(connection: Connection) -> None:
    of = wanted(connection, search="AB1")
    query = (
        "SELECT id FROM orders WHERE lower(concat_ws(' ', buyer_first_name, buyer_last_name, buyer_email))"
    )
    expected = list(connection.scalars(text(f"{query} LIKE '%ab1%' ORDER BY id")))

    page, records = EventOrders().page(connection, of, 0, 100, descending=False, now=NOW)

    assert records == len(expected) > 20
    assert page == expected[:100]


def test_what_is_committed_long_after_its_time_is_listed_at_once(filled: Engine) -> None:
    rename = text("UPDATE orders SET buyer_last_name = '', updated_at = :now WHERE id = :id")
    found, now = EventOrders(), datetime.now(UTC)
    later = now + timedelta(minutes=1)
    with filled.connect() as writer, filled.connect() as reader:
        of = wanted(reader, "name")
        *_, last = reader.scalars(text("SELECT id FROM orders ORDER BY lower(buyer_last_name), id"))
        writer.execute(rename, {"id": last, "now": now})
        before, _ = found.page(reader, of, 0, 20, descending=False, now=later)
        writer.commit()
        after, _ = found.page(reader, of, 0, 20, descending=False, now=later)

    assert last not in before
    assert after == [last, *before[:-1]]


@pytest.mark.parametrize("order_by", ["created", "name"])
def test_far_pages_cost_what_near_ones_do(connection: Connection, order_by: OrderBy) -> None:
    of, found = wanted(connection, order_by), EventOrders()

    def cost(position: int) -> tuple[list[tuple[str, int]], int]:
        with statements(connection.engine) as ran, calls() as made:
            page, _ = found.page(connection, of, position, 20, descending=False, now=NOW)
        assert len(page) == 20
        return ran, len(made)

    cost(0)  # the listing is read once
    costs = [cost(position) for position in (0, 300, COUNT // 2, COUNT - 20) for _ in range(3)]
    for ran, _ in costs:
        # What a page has to be told of the names around it is of one block of the listing.
        assert len(ran) <= 4
        assert sum(ids for _, ids in ran) <= BLOCK
    made = [calls_made for _, calls_made in costs]
    assert max(made) < 3 * min(made) + 20 * BLOCK


@contextmanager
def statements(engine: Engine) -> Iterator[list[tuple[str, int]]]:
    """Yield what runs in the block: each statement, and how many ids it was given."""
    ran: list[tuple[str, int]] = []

    def note(conn: Any, cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        ran.append((statement, len(parameters.get("ids", ()))))

    event.listen(engine, "before_cursor_execute", note)
    try:
        yield ran
    finally:
        event.remove(engine, "before_cursor_execute", note)


@contextmanager
def calls() -> Iterator[list[str]]:
    """Yield the names of the functions that are called in the block."""
    made: list[str] = []
    others = sys.getprofile()
    sys.setprofile(lambda frame, what, of: made.append(frame.f_code.co_name) if "call" in what else None)
    try:
        yield made
    finally:
        sys.setprofile(others)


def test_memory_is_bounded(connection: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("orders.reading.event_listings._MAX_REMEMBERED", 3_000)
    found = EventOrders()
    for letter in "abcdefgh":
        found.page(connection, wanted(connection, search=letter * 9), 0, 20, descending=False, now=NOW)

    assert len(found._remembered) <= 3
