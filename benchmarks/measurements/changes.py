"""Requests of all other kinds drained a second, against the creation of the orders that they change."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from benchmarks.compared.systems import send_requests, settings_of
from benchmarks.loads.orders import make_orders
from benchmarks.loads.requests import cancellations, check_ins, holds, payments, releases, updates
from benchmarks.results import Figure, Row, Target, compared
from benchmarks.running.crew import Bodies, Crew
from benchmarks.running.database import Commits, Database
from benchmarks.running.lab import Lab
from benchmarks.running.racing import PER_SECOND, race
from willcall.kinds import CANCEL, CHECK_IN, PAY, RELEASE, TAKE, UPDATE

TITLE: Final = "requests of other kinds drained; orders created"
TARGET: Final = Target(0.6)

_HOLDS: Final = Target(1.0)

_WARM_UP: Final = 300
"""Requests of each kind before the first run, few in a message so that every worker has some."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of request: how it is called in the table, its task, and where its requests come from."""

    name: str
    task: str
    target: Target
    requests: Callable[[Database], Bodies]
    """Makes the requests, by what the database holds."""
    after: "Kind | None" = None
    """The preparation after the creation; it is not counted."""


_TAKEN: Final = Kind("holds taken", TAKE, _HOLDS, holds)

KINDS: Final = (
    Kind("updates", UPDATE, TARGET, updates),
    Kind("payments", PAY, TARGET, payments),
    Kind("check-ins", CHECK_IN, TARGET, check_ins),
    Kind("cancellations", CANCEL, TARGET, cancellations),
    _TAKEN,
    Kind("holds released", RELEASE, _HOLDS, releases, after=_TAKEN),
)


def run(lab: Lab) -> Sequence[Row]:
    """Return a row for each kind, on the recommended broker of those there are."""
    broker = lab.brokers[0]
    (crew,) = lab.crews(broker, "willcall")
    lab.say(f"{broker}, requests of all kinds: warming up")
    rate = crew.rate
    for kind in KINDS:
        Changes(crew, kind, _WARM_UP, per_message=10).drain()
    sides = {kind.name: Changes(crew, kind, lab.sizes.changed_orders) for kind in KINDS}
    names = {f"{broker}, {name}": side for name, side in sides.items()}
    figures = dict(zip(sides, race(lab, names, "requests/s").values(), strict=True))
    crew.rate = rate  # measured with longer drains, where there were any
    return [
        compared(
            f"{broker}: {name}, 100 a message; orders created",
            side.kind.target,
            figures[name],
            Figure(tuple(side.created), PER_SECOND),
            f"{lab.sizes.changed_orders:,} a run; {crew.workers} process(es)",
        )
        for name, side in sides.items()
    ]


@dataclass(frozen=True, slots=True)
class Changes:
    """One run: new orders are drained, then a request for each of them; requests a second."""

    crew: Crew
    kind: Kind
    orders: int
    per_message: int = 100
    created: list[float] = field(default_factory=list)
    """Orders a second in the same run: what the ratio is taken to, right before the changes."""

    def __call__(self) -> float:
        created, changed = self.drain()
        self.created.append(created.rate)
        return changed.rate

    def drain(self) -> tuple[Commits, Commits]:
        """Return the commits of the orders and of the requests that follow them."""
        database = self.crew.system.database
        created = self.crew.drain(make_orders(self.orders), self.per_message)
        if self.kind.after is not None:
            drain_requests(self.crew, self.kind.after.task, self.kind.after.requests(database))
        database.analyze()
        requests = self.kind.requests(database)
        return created, drain_requests(self.crew, self.kind.task, requests, self.per_message)


def drain_requests(crew: Crew, task: str, requests: Bodies, per_message: int = 100) -> Commits:
    """Fill the queue with requests of one kind, then let the processes empty it; return the commits.

    The tables stay as they are. Raises `Stalled` if a request was rejected.
    """
    after = fill_queue(crew, task, requests, per_message)
    return empty_queue(crew, after, len(requests))


def fill_queue(crew: Crew, task: str, requests: Bodies, per_message: int) -> UUID:
    """Publish requests to workers that are held; return the id after which theirs follow."""
    system = crew.system
    after = system.database.last_request()
    send_requests(settings_of(system.database, system.broker_url), task, requests, per_message)
    return after


def empty_queue(crew: Crew, after: UUID, count: int) -> Commits:
    """Let the workers process the requests after an id; return when they were committed."""
    database = crew.system.database
    with crew.at_work():
        database.wait_for_requests(after, count, log=crew.last_words)
    return database.request_commits(after)
