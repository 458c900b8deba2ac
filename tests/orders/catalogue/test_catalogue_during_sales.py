"""Catalogues are loaded while tickets are sold: nobody waits for a file, and nobody deadlocks with it."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, text

from orders.catalogue.loading import Loaded, load_catalogue
from orders.upkeep.reconciliation import reconcile
from tests.factories import (
    NOW,
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
