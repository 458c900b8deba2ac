"""Catalogues loaded during sales: how long the load takes, and how long a sale waits for it."""

import multiprocessing
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Engine, event

from benchmarks.loads.orders import SPREAD, TENANT, make_orders
from benchmarks.results import Figure, Row, Target
from benchmarks.running.database import Database
from benchmarks.running.lab import Lab
from db.engine import make_engine
from orders.catalogue.loading import load_catalogue
from orders.process import process
from schemas.catalogue import Catalogue
from schemas.json import JsonObject
from schemas.requests import ENVELOPE_FIELDS, Request
from willcall.kinds import CREATE

TITLE: Final = "a sale's longest wait for its locks while a catalogue is loaded"
TARGET: Final = Target(100.0, is_most=True, unit="ms")
NONE: Final = Target(0, is_most=True, unit="deadlocks")

_BATCH: Final = 20
_ALONE_SECONDS: Final = 4.0
_WARM_UP: Final = 3
"""Batches until the statements of a connection are prepared."""

_SEATS: Final = 200
"""Seats of each seated class."""

_DEADLOCKS: Final = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"

_LOCKS: Final = ("FROM ticket_classes", "FOR NO KEY UPDATE")
"""What the statement says in which a sale locks its ticket classes."""


def run(lab: Lab) -> Sequence[Row]:
    """Return the longest wait of a sale during each load, and the deadlocks of all loads."""
    database = lab.new_database("catalogue", is_kept=True)
    sizes = lab.sizes
    size = f"{sizes.catalogue_classes:,} classes and {sizes.catalogue_seats:,} seats"
    first = words(sizes.catalogue_classes, sizes.catalogue_seats)
    loads: dict[str, list[Load]] = {}
    deadlocks = int(database.scalar(_DEADLOCKS))
    for number in range(sizes.runs):
        for name, file in _files(first, number):
            lab.say(f"catalogue, {name}: run {number + 1} of {sizes.runs}")
            loads.setdefault(name, []).append(_load_beside_sales(database, file))
        lab.say("catalogue, the sale alone")
        loads.setdefault("", []).append(_sale_alone(database))
        if number + 1 < sizes.runs:
            _forget(database)
    alone = loads.pop("")
    rows = [_row(f"{TITLE}: {name}", found, alone) for name, found in loads.items()]
    found = float(int(database.scalar(_DEADLOCKS)) - deadlocks)
    note = f"{sizes.runs} runs of {len(loads)} loads of {size}"
    return [*rows, Row("deadlocks of sales with loads of a catalogue", NONE, Figure((found,)), note=note)]


@dataclass(slots=True)
class Load:
    """What was measured while a catalogue was loaded: seconds, and a sale's milliseconds."""

    seconds: float = 0.0
    waits: list[float] = field(default_factory=list)
    """Of each statement that locks ticket classes; without a wait it takes a millisecond or so."""
    batches: list[float] = field(default_factory=list)


def words(classes: int, seats: int) -> JsonObject:
    """Return a file: an event with many classes, and one with seated classes and many seats."""
    seated = [
        {
            "id": f"seated-{number}",
            "name": "Stalls",
            "price": "80.00",
            "row": str(number),
            "seats": [f"1-{_SEATS}"],
        }
        for number in range(seats // _SEATS)
    ]
    standing = [
        {"id": f"new-{number}", "name": "Standing", "price": "45.50", "capacity": 100_000}
        for number in range(classes)
    ]
    return {"tenant": TENANT, "events": [_event("festival", standing), _event("arena", seated)]}


def _event(id_: str, ticket_classes: Sequence[JsonObject]) -> JsonObject:
    return {
        "id": id_,
        "name": id_.title(),
        "starts_at": "2027-04-11T19:00:00+02:00",
        "ends_at": "2027-04-11T23:00:00+02:00",
        "timezone": "Europe/Paris",
        "currency": "USD",
        "ticket_classes": list(ticket_classes),
    }


def _files(first: JsonObject, number: int) -> list[tuple[str, JsonObject]]:
    """Return the loads of a run: the file as new, unchanged, backwards, and a hundredth of it changed."""
    backwards = {**first, "events": [_backwards(one) for one in first["events"][::-1]]}
    changed = {**backwards, "events": [_changed(one, number) for one in backwards["events"]]}
    return [
        ("first load", first),
        ("unchanged", first),
        ("unchanged, in reverse order", backwards),
        ("1 % changed, in reverse order", changed),
    ]


def _backwards(one: JsonObject) -> JsonObject:
    return {**one, "ticket_classes": one["ticket_classes"][::-1]}


def _changed(one: JsonObject, number: int) -> JsonObject:
    """Return an event with another price for each hundredth class, and a seat more where there are seats."""
    classes = [
        {**item, "price": f"{50 + number}.00"} | ({"seats": [*item["seats"], "A"]} if "seats" in item else {})
        if place % 100 == 0
        else item
        for place, item in enumerate(one["ticket_classes"])
    ]
    return {**one, "ticket_classes": classes}


def _load_beside_sales(database: Database, file: JsonObject) -> Load:
    """Load a file in a process of its own while this one sells."""
    context = multiprocessing.get_context("spawn")
    ready, go, seconds = context.Event(), context.Event(), context.Queue()
    child = context.Process(target=_load, args=(database.url, file, ready, go, seconds))
    child.start()

    def begin() -> None:
        while not ready.wait(0.05):
            if not child.is_alive():
                raise RuntimeError("the process that loads the catalogue has ended before it began")
        go.set()

    try:
        found = _sell(database, _sold_classes(database, file), child.is_alive, begin)
        found.seconds = float(seconds.get(timeout=10))
    finally:
        go.set()
        child.join()
    return found


def _load(url: str, file: JsonObject, ready: Any, go: Any, seconds: Any) -> None:
    engine = make_engine(url)
    catalogue = Catalogue.model_validate(file)
    ready.set()
    go.wait()
    started = time.monotonic()
    load_catalogue(engine, catalogue, now=datetime.now(UTC))
    seconds.put(time.monotonic() - started)
    engine.dispose()


def _sale_alone(database: Database) -> Load:
    until = time.monotonic() + _ALONE_SECONDS
    return _sell(database, SPREAD, lambda: time.monotonic() < until)


def _sold_classes(database: Database, file: JsonObject) -> Sequence[str]:
    """Return classes of the file where they are there already, those that change among them, or others."""
    if not database.scalar("SELECT count(*) FROM ticket_classes WHERE external_id = 'new-0'"):
        return SPREAD
    names = [item["id"] for one in file["events"] for item in one["ticket_classes"]]
    return names[:: max(1, len(names) // 500)]


def _sell(
    database: Database,
    classes: Sequence[str],
    goes_on: Callable[[], bool],
    begin: Callable[[], object] = int,
) -> Load:
    """Sell, a batch after the other, for as long as it goes on; `begin` is called when all is warm."""
    found = Load()
    # As a worker's connections.
    engine = make_engine(database.url, is_by_key=True)
    _watch(engine, found)
    try:
        for _ in range(_WARM_UP):
            _sell_batch(engine, classes)
        found.waits.clear()
        begin()
        while goes_on() or not found.batches:
            started = time.monotonic()
            _sell_batch(engine, classes)
            found.batches.append((time.monotonic() - started) * 1_000)
    finally:
        engine.dispose()
    return found


def _sell_batch(engine: Engine, classes: Sequence[str]) -> None:
    requests = _requests(random.sample(classes, min(_BATCH, len(classes))))
    with engine.begin() as connection:
        outcomes = process(connection, requests, now=datetime.now(UTC))
    refused = [error for outcome in outcomes for error in outcome.errors]
    if any(error.code != "sold_out" for error in refused):
        raise RuntimeError(f"a sale was refused: {refused[0]}")


def _requests(classes: Sequence[str]) -> list[Request]:
    return [
        Request(
            CREATE,
            UUID(body["request_id"]),
            TENANT,
            may_set_price=True,
            body={name: value for name, value in body.items() if name not in ENVELOPE_FIELDS},
        )
        for body in make_orders(len(classes), classes)
    ]


def _watch(engine: Engine, found: Load) -> None:
    started = [0.0]

    def before(*_: Any) -> None:
        started[0] = time.monotonic()

    def after(conn: Any, cursor: Any, statement: str, *_: Any) -> None:
        if all(part in statement for part in _LOCKS):
            found.waits.append((time.monotonic() - started[0]) * 1_000)

    event.listen(engine, "before_cursor_execute", before)
    event.listen(engine, "after_cursor_execute", after)


def _row(name: str, found: Sequence[Load], alone: Sequence[Load]) -> Row:
    seconds = Figure(tuple(load.seconds for load in found))
    batch, usual = (max(max(load.batches) for load in loads) for loads in (found, alone))
    count = sum(len(load.batches) for load in found)
    note = (
        f"loaded in {seconds.median:.2f} s ({min(seconds.runs):.2f}–{max(seconds.runs):.2f}); "
        f"the longest of {count:,} batches {batch:.0f} ms, without a load {usual:.0f} ms"
    )
    waits = Figure(tuple(max(load.waits) for load in found), "ms")
    baseline = Figure(tuple(max(load.waits) for load in alone), "ms")
    return Row(name, TARGET, waits, baseline, note=note)


def _forget(database: Database) -> None:
    """Empty what sales left, and drop the classes of the file, so that the next load is a first one again."""
    kept = "(SELECT id FROM events WHERE external_id NOT IN ('festival', 'arena'))"
    database.execute(
        "TRUNCATE seats, orders, order_lines, tickets, requests, event_messages, outbox CASCADE",
        f"DELETE FROM ticket_classes WHERE event_id NOT IN {kept}",
        "DELETE FROM events WHERE external_id IN ('festival', 'arena')",
        "UPDATE ticket_classes SET sold = 0, held = 0",
        "VACUUM ticket_classes, events",
        "CHECKPOINT",
    )
