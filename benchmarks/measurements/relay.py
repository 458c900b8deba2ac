"""Events relayed while orders are drained as fast as they can be, and how far the relay falls behind."""

import contextlib
import subprocess
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Final

from benchmarks.compared.systems import environment_of, worker_command
from benchmarks.loads.orders import make_orders
from benchmarks.results import Figure, Row, Target
from benchmarks.running.brokers import empty_queues, listening_queue
from benchmarks.running.crew import Crew, end, start, wait_until_ready
from benchmarks.running.database import Database, Stalled
from benchmarks.running.lab import Lab
from benchmarks.running.racing import PER_SECOND, race

TITLE: Final = "events relayed while orders are drained; orders drained"
# Bounded: once both are under way, what waits does not grow.
TARGET: Final = Target(0.9)

_SAMPLES: Final = 10
_PATIENCE_SECONDS: Final = 60.0

_STATE: Final = "SELECT (SELECT sum(sold) FROM ticket_classes), (SELECT count(*) FROM outbox)"


@dataclass(frozen=True, slots=True)
class Sample:
    """How far both were at a moment (Unix seconds)."""

    moment: float
    drained: int
    unsent: int

    @property
    def relayed(self) -> int:
        """Return the events that the broker has confirmed."""
        return self.drained - self.unsent


def run(lab: Lab) -> Sequence[Row]:
    """Return events a second against orders a second, in the second half of a drain."""
    broker = lab.brokers[0]
    url = lab.broker_url(broker)
    (crew,) = lab.crews(broker, "willcall")
    empty_queues(url)
    with listening_queue(url), relaying(lab, url):
        drain = RelayedDrain(lab, crew)
        events = race(lab, {f"{broker}, the relay": drain})[f"{broker}, the relay"]
    orders = Figure(tuple(drain.orders), PER_SECOND)
    late = median(drain.seconds)
    note = f"{broker}; at most {max(drain.most):,} wait; the last event {late:.1f} s after the last order"
    share = Figure(tuple(a / b for a, b in zip(events.runs, orders.runs, strict=True)), "×")
    return [Row(TITLE, TARGET, Figure(events.runs, "events/s"), orders, share, note)]


@contextlib.contextmanager
def relaying(lab: Lab, url: str) -> "Iterator[subprocess.Popen[bytes]]":
    """Run a relay until the block ends."""
    with (lab.folder / "relay.log").open("wb") as log:
        command = worker_command("relay", "outbox", concurrency=1)
        process = start(command, environment_of(lab.ours, url), log)
    try:
        wait_until_ready(process, lab.folder / "relay.log")
        yield process
    finally:
        end(process)


@dataclass(frozen=True, slots=True)
class RelayedDrain:
    """One run: events per second in the second half of the drain; other figures are collected meanwhile."""

    lab: Lab
    crew: Crew
    orders: list[float] = field(default_factory=list)
    """Orders a second in the same time."""
    most: list[int] = field(default_factory=list)
    """Event messages that waited at most."""
    seconds: list[float] = field(default_factory=list)
    """From the last commit to the empty outbox."""

    def __call__(self) -> float:
        database = self.crew.system.database
        count = self.crew.orders_for(self.lab.sizes.relay_seconds)
        rate = self.crew.rate
        with _sampled(database, min(1.0, self.lab.sizes.relay_seconds / _SAMPLES)) as samples:
            commits = self.crew.drain(make_orders(count), 100)
            self.crew.rate = rate  # it is slower while a relay runs
            wait_until_sent(database)
            self.seconds.append(max(0.0, time.time() - commits.moments[-1]))
        self.most.append(max(sample.unsent for sample in samples))
        first, last = second_half(samples, count)
        seconds = last.moment - first.moment
        self.orders.append((last.drained - first.drained) / seconds)
        return (last.relayed - first.relayed) / seconds


def second_half(samples: Sequence[Sample], count: int) -> tuple[Sample, Sample]:
    """Return the first and the last sample in the second half of a drain of `count` orders."""
    within = [sample for sample in samples if count / 2 <= sample.drained < count]
    if len(within) < 2:
        raise Stalled(f"the drain was too short: {len(within)} samples in its second half")
    return within[0], within[-1]


@contextlib.contextmanager
def _sampled(database: Database, interval: float) -> Iterator[list[Sample]]:
    """Sample the database at this interval, in seconds, until the block ends."""
    samples: list[Sample] = []
    is_over = threading.Event()

    def look() -> None:
        while not is_over.wait(interval):
            drained, unsent = database.rows(_STATE)[0]
            samples.append(Sample(time.time(), int(drained), int(unsent)))

    thread = threading.Thread(target=look, name="relay-samples")
    thread.start()
    try:
        yield samples
    finally:
        is_over.set()
        thread.join()


def wait_until_sent(database: Database) -> None:
    """Return when the outbox is empty. Raises `Stalled`."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while (unsent := database.scalar("SELECT count(*) FROM outbox")) > 0:
        if time.monotonic() > deadline:
            raise Stalled(f"{unsent} event messages were not sent in {_PATIENCE_SECONDS:g} s")
        time.sleep(0.05)
