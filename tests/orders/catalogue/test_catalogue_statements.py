"""The statements of a load: how many there are, in which order, and what comes of it between two of them."""

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import Engine, TextClause, event, text

from orders.catalogue.loading import CatalogueConflict, Loaded, load_catalogue, read
from tests.factories import (
    NOW,
    make_catalogue,
    make_event,
    make_request,
    make_ticket_class,
    rows,
    run,
    scalar,
)


def _load(engine: Engine, *events: dict[str, Any]) -> Loaded:
    return load_catalogue(engine, make_catalogue(*events), now=NOW)


def _classes(count: int, **changes: Any) -> list[dict[str, Any]]:
    return [make_ticket_class(f"class-{number}", **changes) for number in range(count)]


@contextmanager
def _before_each(engine: Engine, act: Callable[[str], None]) -> Iterator[None]:
    """Act before each statement that the engine executes in the block."""

    def before(conn: Any, cursor: Any, statement: str, *rest: Any) -> None:
        act(statement)

    event.listen(engine, "before_cursor_execute", before)
    try:
        yield
    finally:
        event.remove(engine, "before_cursor_execute", before)


def test_what_is_sold_while_a_file_is_loaded_is_found_under_the_lock(engine: Engine) -> None:
    """The file was fine when it was compared; what is written by then stays, and the message says so."""
    _load(engine, make_event(), make_event("second", ticket_classes=[make_ticket_class("pit")]))
    smaller = [
        make_event(name="Renamed"),
        make_event("second", ticket_classes=[make_ticket_class("pit", capacity=3)]),
    ]
    sold: list[Sequence[Any]] = []

    def sell(statement: str) -> None:
        if statement.lstrip().startswith("UPDATE events") and not sold:
            sold.append([])
            sold.append(run(engine, make_request(ticket_class="pit", quantity=5)))

    with _before_each(engine, sell), pytest.raises(CatalogueConflict, match="5 are sold or held") as refused:
        _load(engine, *smaller)

    assert refused.value.__notes__ == [
        "Already loaded: 0 new and 1 changed of 5 objects. Load the file again to continue."
    ]
    assert rows(engine, "SELECT name FROM events ORDER BY 1") == [("Concert",), ("Renamed",)]
    assert rows(engine, "SELECT capacity, sold FROM ticket_classes WHERE external_id = 'pit'") == [(1_000, 5)]


def test_a_load_that_ends_half_way_goes_on_when_it_is_repeated(engine: Engine) -> None:
    class PlugPulled(Exception):
        pass

    first, second = make_event(), make_event("second", ticket_classes=[make_ticket_class("b")])
    _load(engine, first, second)
    changed = [
        make_event(name="First", ticket_classes=[make_ticket_class(price="1.00"), make_ticket_class("new")]),
        make_event("second", name="Second", ticket_classes=[make_ticket_class("b", price="2.00")]),
    ]
    statements: list[str] = []

    def pull(statement: str) -> None:
        statements.append(statement)
        if sum(one.lstrip().startswith("UPDATE events") for one in statements) == 2:
            raise PlugPulled

    with _before_each(engine, pull), pytest.raises(PlugPulled) as pulled:
        _load(engine, *changed)
    assert pulled.value.__notes__ == [
        "Already loaded: 0 new and 2 changed of 6 objects. Load the file again to continue."
    ]
    assert rows(engine, "SELECT name FROM events ORDER BY 1") == [("Concert",), ("First",)]

    loaded = _load(engine, *changed)

    assert (loaded.created, loaded.updated, loaded.unchanged) == (1, 2, 3)
    assert rows(engine, "SELECT external_id, price::text FROM ticket_classes ORDER BY 1") == [
        ("b", "2.00"),
        ("new", "45.50"),
        ("standing", "1.00"),
    ]


def test_a_new_currency_comes_with_all_prices_of_its_event(engine: Engine) -> None:
    """Nobody buys at the old number in the new currency: both are written in one transaction."""
    _load(engine, make_event(ticket_classes=_classes(3)))
    seen: set[tuple[Any, ...]] = set()
    query = "SELECT DISTINCT e.currency, c.price::text FROM ticket_classes c JOIN events e ON e.id = event_id"

    def look(statement: str) -> None:
        if "DISTINCT e.currency" not in statement:
            seen.update(rows(engine, query))

    with _before_each(engine, look):
        _load(engine, make_event(currency="JPY", ticket_classes=_classes(3, price="5000")))

    assert seen == {("USD", "45.50")}
    assert rows(engine, query) == [("JPY", "5000")]


@pytest.mark.parametrize("statement", [read._EVENTS, read._CLASSES], ids=["events", "classes"])
def test_a_page_is_read_by_its_keys_whatever_the_statistics_say(
    engine: Engine, statement: TextClause
) -> None:
    _load(engine, make_event(ticket_classes=_classes(2_000)))
    tenant_id = scalar(engine, "SELECT id::text FROM tenants")

    with engine.begin() as connection:
        connection.execute(text("SET LOCAL enable_seqscan = off"))
        explained = connection.execute(
            text(f"EXPLAIN {statement.text}"), {"tenant_id": tenant_id, "names": "{a,b}", "now": NOW}
        )
        plan = "\n".join(line for (line,) in explained)

    assert re.search(r"Index Cond: .*tenant_id = .* AND \(external_id = named.name\)", plan), plan


def test_a_load_costs_statements_by_its_pages_and_not_by_its_classes(engine: Engine) -> None:
    def count(*events: dict[str, Any]) -> int:
        statements: list[str] = []
        with _before_each(engine, statements.append):
            _load(engine, *events)
        return len(statements)

    few, many = make_event(ticket_classes=_classes(3)), make_event(ticket_classes=_classes(400))
    _load(engine, few)
    few_changed = count(make_event(ticket_classes=_classes(3, price="50.00")))
    many_new = count(many)
    many_changed = count(make_event(ticket_classes=_classes(400, price="51.00")))
    unchanged = count(make_event(ticket_classes=_classes(400, price="51.00")))

    assert many_changed == few_changed
    assert unchanged < many_changed
    assert many_new <= many_changed + 4
