"""Catalogues are loaded while tickets are sold: nobody waits for a file, and nobody deadlocks with it."""

import re
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, TextClause, event, text

from orders.catalogue.loading import CatalogueConflict, Loaded, load_catalogue, read
from orders.upkeep.reconciliation import reconcile
from tests.factories import (
    NOW,
    load,
    make_body,
    make_catalogue,
    make_event,
    make_request,
    make_seated_class,
    make_ticket_class,
    rows,
    run,
    scalar,
)
from tests.processes import PATIENCE_SECONDS, wait_until

_DEADLOCKS = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
_WAITING = """
    SELECT count(*) FROM pg_stat_activity
    WHERE datname = current_database() AND wait_event_type = 'Lock' AND pid <> pg_backend_pid()
"""


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


@contextmanager
def _locked(engine: Engine, *names: str) -> Iterator[Connection]:
    """Hold the locks of ticket classes as a batch of sales does."""
    with engine.begin() as connection:
        connection.execute(
            text("SELECT FROM ticket_classes WHERE external_id = ANY(:names) FOR NO KEY UPDATE"),
            {"names": list(names)},
        )
        yield connection


def test_an_unchanged_file_is_loaded_while_everything_is_locked(engine: Engine) -> None:
    """It takes no lock of a row and waits for none: every row is held by somebody else meanwhile."""
    events = [
        make_event(
            ticket_classes=[*_classes(1_500), make_seated_class(seats="1-2000")],
            promo_codes=[{"code": "SPRING", "percent": "10", "max_uses": 5}],
        ),
        make_event("other", ticket_classes=[make_ticket_class("other")]),
    ]
    _load(engine, *events)
    tables = ("tenants", "events", "ticket_classes", "seats", "promo_codes")
    written = "SELECT " + ", ".join(f"(SELECT max(xmax::text) FROM {name})" for name in tables)
    with engine.begin() as connection:
        for name in tables:
            connection.execute(text(f"SELECT FROM {name} FOR UPDATE"))
        locks = rows(engine, written)

        loaded = _load(engine, *events)

        assert (loaded.created, loaded.updated, loaded.unchanged) == (0, 0, 1_506)
        assert rows(engine, written) == locks


def test_what_others_have_locked_is_written_last_and_holds_up_nobody(engine: Engine) -> None:
    _load(engine, make_event(ticket_classes=_classes(20)))
    locked = ["class-3", "class-11"]
    done: list[Loaded] = []
    with _locked(engine, *locked):
        dearer = make_event(ticket_classes=_classes(20, price="50.00"))
        thread = threading.Thread(target=lambda: done.append(_load(engine, dearer)))
        thread.start()
        wait_until(lambda: scalar(engine, _WAITING) == 1, what="a load that waits")
        still = "SELECT external_id FROM ticket_classes WHERE price = 45.50 ORDER BY length(external_id)"
        assert [name for (name,) in rows(engine, still)] == locked
        # While it waits it holds no lock: buyers of the other classes are served.
        with engine.begin() as buyers:
            buyers.execute(text("SET LOCAL lock_timeout = '30s'"))
            others = "SELECT FROM ticket_classes WHERE NOT external_id = ANY(:names) FOR NO KEY UPDATE"
            assert len(buyers.execute(text(others), {"names": locked}).all()) == 18
    thread.join(PATIENCE_SECONDS)

    assert done[0].updated == 20
    assert rows(engine, "SELECT DISTINCT price::text FROM ticket_classes") == [("50.00",)]


@pytest.mark.parametrize("changes", ["prices", "seats", "times", "tax"])
def test_a_file_in_reverse_order_never_deadlocks_with_sales(engine: Engine, changes: str) -> None:
    def file(number: int, *, step: int = -1) -> list[dict[str, Any]]:
        seats = ["1-1000", "1001-2000"] if number % 2 or changes != "seats" else ["1001-2000", "1-1000"]
        classes = [
            make_ticket_class(f"class-{name}", price=f"{45 + number % 2 * (changes != 'times')}.00")
            for name in range(12)
        ]
        promo = {"code": "SPRING", "percent": str(10 + number % 2), "max_uses": 100_000}
        tax = {"name": "VAT", "rate": f"0.{19 + number % 2 * (changes == 'tax')}"}
        day = 11 + number % 2 * (changes == "times")
        found = [
            make_event(
                name=f"Concert {number % 2}",
                starts_at=f"2027-04-{day}T19:00:00+02:00",
                ends_at=f"2027-04-{day}T23:00:00+02:00",
                tax=tax,
                ticket_classes=[*classes[:6], make_seated_class() | {"seats": seats}],
                promo_codes=[promo],
            ),
            make_event("second", tax=tax, ticket_classes=classes[6:]),
        ]
        for one in found:
            one["ticket_classes"] = one["ticket_classes"][::step]
        return found[::step]

    _load(engine, *file(0, step=1))
    before = scalar(engine, _DEADLOCKS)
    is_over = threading.Event()
    failures: list[Exception] = []
    outcomes: list[Any] = []

    def sell(seller: int) -> None:
        number = 0
        while not is_over.is_set():
            number += 1
            names = [f"class-{(seller * 5 + number * 7 + step) % 12}" for step in range(6)]
            bodies = [
                make_body(
                    line_items=[{"ticket_class_id": name, "quantity": 1} for name in {*names, "class-0"}],
                    promo_code="SPRING",
                ),
                make_body("stalls"),
            ]
            outcomes.extend(run(engine, *map(make_request, bodies)))

    def guarded(work: Callable[[], None]) -> Callable[[], None]:
        def act() -> None:
            try:
                work()
            except Exception as error:  # noqa: BLE001 - whatever it is, the test says so
                failures.append(error)
                is_over.set()

        return act

    sellers = [threading.Thread(target=guarded(partial(sell, seller))) for seller in range(3)]
    for thread in sellers:
        thread.start()
    try:
        number = 0
        while not is_over.is_set() and (number < 20 or len(outcomes) < 200):
            number += 1
            _load(engine, *file(number))
    finally:
        is_over.set()
        for thread in sellers:
            thread.join(PATIENCE_SECONDS)

    assert failures == []
    assert scalar(engine, _DEADLOCKS) == before
    assert {outcome.status for outcome in outcomes} == {"processed"}
    with engine.begin() as connection:
        assert reconcile(connection, now=NOW) == []


def test_two_loads_of_a_tenant_at_once_make_everything_once(engine: Engine) -> None:
    file = make_event(
        ticket_classes=[*_classes(200), make_seated_class(seats="1-300")],
        promo_codes=[{"code": "SPRING", "percent": "10"}],
    )
    backwards = file | {"ticket_classes": file["ticket_classes"][::-1]}
    loads: list[Loaded] = []
    before = scalar(engine, _DEADLOCKS)

    threads = [
        threading.Thread(target=lambda one=one: loads.append(_load(engine, one)))
        for one in (file, backwards, file)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE_SECONDS)

    assert sorted((load.created, load.updated, load.unchanged) for load in loads) == [
        (0, 0, 204),
        (0, 0, 204),
        (204, 0, 0),
    ]
    assert scalar(engine, "SELECT count(*) FROM ticket_classes") == 201
    assert scalar(engine, "SELECT count(*) FROM seats") == 300
    assert scalar(engine, "SELECT count(*) FROM ticket_keys") == 1
    assert scalar(engine, _DEADLOCKS) == before


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


def test_all_conflicts_are_told_before_anything_is_written(engine: Engine) -> None:
    five = {"code": "FIVE", "amount": "5.00"}
    second = make_event("second", ticket_classes=[make_ticket_class("b")])
    load(engine, make_event(promo_codes=[five]), second)
    run(engine, *(make_request(promo_code="FIVE") for _ in range(2)))

    with pytest.raises(CatalogueConflict) as refused:
        _load(
            engine,
            make_event("new", ticket_classes=[make_ticket_class("c"), make_ticket_class("b")]),
            make_event(
                currency="EUR",
                ticket_classes=[make_ticket_class(capacity=1)],
                promo_codes=[five | {"max_uses": 1}],
            ),
        )

    assert [sentence.split(":")[0] for sentence in refused.value.conflicts] == [
        "event concert is sold in USD",
        "ticket class b belongs to event second and cannot move",
        "ticket class standing cannot have a capacity of 1",
        "promo code FIVE was used 2 times",
    ]
    assert scalar(engine, "SELECT count(*) FROM events") == 2


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
