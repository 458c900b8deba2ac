"""Sending files of requests, and printing their outcomes."""

import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby, islice
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Engine

from intake.cli.failures import CommandFailed
from intake.cli.outcomes import find_outcomes, result
from intake.cli.output import counted, print_json, print_line
from intake.cli.progress import progress_bar
from intake.cli.request_files import RequestFile
from intake.cli.send_one import SENDER
from schemas.json import JsonObject
from willcall.producer import NotConfirmed, Producer
from worker.runtime.settings import get_settings

_AT_ONCE: Final = 500

# Sent requests without an outcome are remembered, up to this number; beyond it, sending waits.
_MOST_PENDING: Final = 20_000


@dataclass(slots=True)
class Sent:
    """The number of confirmed requests and, after a wait, their outcomes by status."""

    count: int = 0
    last_id: UUID | None = None
    outcomes: Counter[str] = field(default_factory=Counter)


class Waiter:
    """Prints the outcome of each request in sending order, and counts them."""

    def __init__(self, engine: Engine, timeout: float, as_json: bool) -> None:
        self.outcomes: Counter[str] = Counter()
        self.report: Callable[[int], None] = lambda count: None
        self._engine = engine
        self._timeout = timeout
        self._as_json = as_json
        self._pending: deque[UUID] = deque()
        self._last_outcome_at = time.monotonic()

    def add(self, ids: Sequence[UUID]) -> None:
        """Await outcomes of these too; block while too many are awaited."""
        if not self._pending:
            self._last_outcome_at = time.monotonic()
        self._pending.extend(ids)
        self.print_outcomes(down_to=_MOST_PENDING)

    def print_outcomes(self, *, down_to: int = 0) -> None:
        """Print outcomes until at most this many are awaited. Raises `CommandFailed` if one is late."""
        pause = 0.02
        while True:
            if self._print_some():
                pause = 0.02
                continue
            if len(self._pending) <= down_to:
                return
            if time.monotonic() - self._last_outcome_at > self._timeout:
                raise CommandFailed(
                    f"no outcome within {self._timeout:g} s; {counted(len(self._pending), 'request')} "
                    "without one stay in the queue until a worker runs (`willcall up`)"
                )
            time.sleep(pause)
            pause = min(pause * 1.5, 0.25)

    def _print_some(self) -> bool:
        """Print the known outcomes at the head of the line."""
        first = list(islice(self._pending, _AT_ONCE))
        if not first:
            return False
        with self._engine.connect() as connection:
            found = find_outcomes(connection, first)
        if first[0] not in found:
            return False
        for id_ in first:
            if id_ not in found:
                break
            self._pending.popleft()
            self._print(found[id_])
        self._last_outcome_at = time.monotonic()
        self.report(self.outcomes.total())
        return True

    def _print(self, outcome: JsonObject) -> None:
        self.outcomes[outcome["status"]] += 1
        if self._as_json:
            print_json(outcome)
            return
        print_line(f"{self.outcomes.total():>6}  {outcome['status']:<9}  {result(outcome)}")


def send(
    files: Sequence[RequestFile],
    kind: str,
    waiter: Waiter | None,
    as_json: bool,
    *,
    dialect: str | None = None,
) -> Sent:
    """Send all requests of the files; with a waiter, return once each outcome is printed."""
    sent = Sent()
    settings = get_settings()
    with (
        progress_bar("sending", sum(file.count for file in files)) as (progress, bar),
        Producer(settings.broker(), settings) as producer,
    ):
        if waiter is not None:
            waiter.report = lambda count: progress.update(bar, completed=count)
        for tenant, requests in _groups(files):
            try:
                ids = producer.send(requests, tenant=tenant, kind=kind, by=SENDER, dialect=dialect)
            except NotConfirmed as error:
                raise CommandFailed(_not_all(sent.count, error)) from error
            sent.count += len(ids)
            sent.last_id = ids[-1]
            if waiter is not None:
                waiter.add(ids)
                continue
            progress.update(bar, completed=sent.count)
            for id_ in ids if as_json else ():
                print_json({"request_id": id_, "status": "pending"})
        if waiter is not None:
            progress.update(bar, description="waiting")
            waiter.print_outcomes()
            sent.outcomes = waiter.outcomes
    return sent


def _groups(files: Iterable[RequestFile]) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Return the requests in order, in groups of one tenant."""
    everything = (request for file in files for request in file)
    while chunk := list(islice(everything, _AT_ONCE)):
        for tenant, group in groupby(chunk, key=lambda pair: pair[0]):
            yield tenant, [request for _, request in group]


def _not_all(count: int, error: NotConfirmed) -> str:
    return (
        f"the broker confirmed {count} requests, and none of the next ones ({' '.join(str(error).split())}); "
        "send all again: requests with an idempotency key count once"
    )
