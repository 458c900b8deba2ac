"""Replaying a request log after a restore: every batch again, in the old order and with the old time."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Final
from uuid import UUID

from sqlalchemy import Engine

from orders.errors import CatalogueChanged
from orders.process import process
from orders.recovery.delayed_requests import delay_until_due, forget
from orders.recovery.request_log import (
    LoggedBatch,
    LoggedForLater,
    known_ids,
    raise_order_numbers,
    read_line,
)
from schemas.outcomes import Outcome
from schemas.requests import Request
from tasks.orders import patience
from worker.runtime.settings import get_settings

_WAITING: Final = "waiting"
_DEAD: Final = "dead"

Numbers = dict[UUID, tuple[int, ...]]
"""The numbers of the orders that requests made, by the requests' ids."""


@dataclass(frozen=True, slots=True)
class Difference:
    """A request whose outcome differs from the one before the restore: its status and order, then and now."""

    request: Request
    before: tuple[str, str | None]
    now: tuple[str, str | None]


@dataclass(slots=True)
class Replayed:
    """The counts of replayed requests and of those already in the database, and the differences."""

    count: int = 0
    known: int = 0
    later: int = 0
    cut_off: int = 0
    """Truncated lines: their batches were not committed."""
    differences: list[Difference] = field(default_factory=list)


@dataclass(frozen=True, slots=True, order=True)
class _Place:
    """Where a line is; places sort in the order of the decisions."""

    at: datetime
    path: Path
    offset: int


def replay(engine: Engine, paths: Iterable[Path], report_progress: Callable[[int, int], None]) -> Replayed:
    """Process the requests of the files again; `report_progress` gets the counts of lines done and in all.

    Requests that the database already has are repeats, and change nothing. No worker may run meanwhile.
    """
    replayed = Replayed()
    places, numbers = _index(paths, replayed)
    with engine.begin() as connection:
        raise_order_numbers(connection, max((max(one) for one in numbers.values()), default=0))
    later: list[tuple[Request, datetime]] = []
    for done, line in enumerate(_lines(places), 1):
        if isinstance(line, LoggedForLater):
            later.extend(line.requests)
        else:
            _replay_batch(engine, _numbered(line, numbers), replayed)
        report_progress(done, len(places))
    _keep_for_later(engine, later, replayed)
    return replayed


def _index(paths: Iterable[Path], replayed: Replayed) -> tuple[Sequence[_Place], Numbers]:
    """Return the places of the lines, in the order of the decisions, and the numbers of the orders."""
    places, numbers = [], dict[UUID, tuple[datetime, tuple[int, ...]]]()
    for path in paths:
        with path.open("rb") as file:
            offset = 0
            for text in file:
                try:
                    line = read_line(text)
                except ValueError:
                    replayed.cut_off += bool(text.strip())
                else:
                    places.append(_Place(line.at, path, offset))
                    if isinstance(line, LoggedBatch):
                        _take_numbers(line, numbers)
                offset += len(text)
    return sorted(places), {id_: found for id_, (_, found) in numbers.items()}


def _take_numbers(batch: LoggedBatch, numbers: dict[UUID, tuple[datetime, tuple[int, ...]]]) -> None:
    """Take the numbers of the latest line: those of a line that was not committed were not used."""
    for request in batch.requests:
        if request.order_numbers and batch.at >= numbers.get(request.request_id, (batch.at,))[0]:
            numbers[request.request_id] = (batch.at, request.order_numbers)


def _numbered(batch: LoggedBatch, numbers: Numbers) -> LoggedBatch:
    requests = [one._replace(order_numbers=numbers.get(one.request_id, ())) for one in batch.requests]
    return replace(batch, requests=requests)


def _lines(places: Iterable[_Place]) -> Iterator[LoggedBatch | LoggedForLater]:
    for place in places:
        with place.path.open("rb") as file:
            file.seek(place.offset)
            yield read_line(file.readline())


def _replay_batch(engine: Engine, batch: LoggedBatch, replayed: Replayed) -> None:
    try:
        decided, known = _process(engine, batch)
    except CatalogueChanged:
        return _replay_batch(engine, batch, replayed)  # which reads the catalogue again
    replayed.count += len(batch.requests)
    replayed.known += known
    for request, before, outcome in decided:
        now = (outcome.status, None if outcome.order_id is None else str(outcome.order_id))
        # A request that waited then has its outcome in a later line, or in the database.
        if now != before and before[0] != _WAITING:
            replayed.differences.append(Difference(request, before, now))
    return None


Decided = list[tuple[Request, tuple[str, str | None], Outcome]]
"""Requests with their outcomes then and now."""


def _process(engine: Engine, batch: LoggedBatch) -> tuple[Decided, int]:
    settings = get_settings()
    with engine.begin() as connection:
        known = known_ids(connection, (one.request_id for one in batch.requests))
        to_decide = [
            (request, before)
            for request, before in zip(batch.requests, batch.outcomes, strict=True)
            # A dead letter is no outcome: processing it again would store it twice.
            if before[0] != _DEAD or request.request_id not in known
        ]
        outcomes = process(
            connection,
            [request for request, _ in to_decide],
            now=batch.now,
            patience=patience(),
            max_tickets=settings.max_tickets,
            max_event_bytes=settings.max_event_bytes,
        )
        forget(connection, *(one.request_id for one in outcomes if one.status != _WAITING))
    decided = [(request, before, now) for (request, before), now in zip(to_decide, outcomes, strict=True)]
    return decided, sum(one.request_id in known for one in batch.requests)


def _keep_for_later(engine: Engine, later: Sequence[tuple[Request, datetime]], replayed: Replayed) -> None:
    """Store the requests for later as rows again, unless a line has their outcome."""
    with engine.begin() as connection:
        known = known_ids(connection, (request.request_id for request, _ in later))
        delayed = {one.request_id: (one, due_at) for one, due_at in later if one.request_id not in known}
        delay_until_due(connection, list(delayed.values()))
    replayed.later = len(delayed)
