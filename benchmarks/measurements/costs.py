"""What an order costs each kind of process: seconds of the processor, whatever else the machine does."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from statistics import median
from typing import Final

from benchmarks.loads.orders import make_orders
from benchmarks.measurements.confirmed import ACCEPTED, CANONICAL, calls_of, numbered_catalogue
from benchmarks.measurements.intake import Clients, serving
from benchmarks.measurements.relay import relaying, wait_until_sent
from benchmarks.results import Figure, Row, Target
from benchmarks.running.brokers import empty_queues, listening_queue
from benchmarks.running.crew import Crew
from benchmarks.running.lab import Lab
from benchmarks.running.processor import seconds_of
from intake.auth.keys import create_key
from intake.auth.scopes import SCOPES
from orders.catalogue.loading import load_catalogue

TITLE: Final = "processor time of all processes for an order"
TARGET: Final = Target(1.0, is_most=True, unit="ms")

# Few at a time: each transaction, each confirm is for a handful of orders.
_SINGLE: Final = Target(5.0, is_most=True, unit="ms")
_TENANT: Final = "101"


@dataclass(frozen=True, slots=True)
class Parts:
    """The processes by what they are."""

    pids: Mapping[str, Sequence[int]]

    def seconds(self) -> dict[str, float]:
        """Return what each part has had of the processor."""
        return {name: seconds_of(pids) for name, pids in self.pids.items()}

    def cost(self, work: Callable[[], int]) -> dict[str, float]:
        """Return the milliseconds an order of each part; `work` returns the number of orders."""
        before = self.seconds()
        count = work()
        return {name: (after - before[name]) * 1_000 / count for name, after in self.seconds().items()}


def run(lab: Lab) -> Sequence[Row]:
    """Return what an order costs by how it comes: out of a full queue, by HTTP, by HTTP with an answer."""
    broker = lab.brokers[0]
    url = lab.broker_url(broker)
    lab.end_crews()
    (crew,) = lab.crews(broker, "willcall")
    empty_queues(url)
    with listening_queue(url), relaying(lab, url) as relay, _calling(lab, broker) as (clients, sides):
        parts = Parts(
            {
                "intake": [clients.server],
                "worker": [process.pid for process in crew.processes],
                "relay": [relay.pid],
                "PostgreSQL": [lab.postgres_pid],
                broker: [lab.broker_pid(broker)],
            }
        )
        works = {
            "a full queue, 100 in a message": (TARGET, _draining(lab, crew, 100)),
            "a full queue, one in a message": (TARGET, _draining(lab, crew, 1)),
            "HTTP, accepted (202)": (_SINGLE, _working(crew, sides[ACCEPTED])),
            "HTTP, confirmed (201)": (_SINGLE, _working(crew, sides[CANONICAL])),
        }
        rows = [_row(lab, broker, name, target, parts, work) for name, (target, work) in works.items()]
    lab.end_crews()  # more than one process may have run
    empty_queues(url)
    return rows


def _row(lab: Lab, broker: str, name: str, target: Target, parts: Parts, work: Callable[[], int]) -> Row:
    costs = []
    for number in range(lab.sizes.runs):
        lab.say(f"costs, {name}: run {number + 1} of {lab.sizes.runs}")
        lab.ours.reset()
        costs.append(parts.cost(work))
    split = ", ".join(f"{part} {median(one[part] for one in costs):.3f}" for part in costs[0])
    whole = Figure(tuple(sum(one.values()) for one in costs), "ms")
    return Row(f"{TITLE}: {name}", target, whole, note=f"{broker}; {split}")


def _draining(lab: Lab, crew: Crew, per_message: int) -> Callable[[], int]:
    def work() -> int:
        count = crew.orders_for(lab.sizes.drain_seconds)
        database = crew.system.database
        crew.system.publish(make_orders(count), per_message)
        with crew.at_work():
            database.wait_for(count, log=crew.last_words)
            wait_until_sent(database)
        return count

    return work


def _working(crew: Crew, send: Callable[[], int]) -> Callable[[], int]:
    def work() -> int:
        database = crew.system.database
        with crew.at_work():
            count = send()
            database.wait_for(count, log=crew.last_words)
            wait_until_sent(database)
        return count

    return work


@contextmanager
def _calling(lab: Lab, broker: str) -> Iterator[tuple[Clients, dict[str, Callable[[], int]]]]:
    """Run an intake; yield what calls it, and how, by the names of `confirmed`."""
    load_catalogue(lab.ours.engine, numbered_catalogue(), now=datetime.now(UTC))
    with lab.ours.engine.begin() as connection:
        key = create_key(connection, _TENANT, SCOPES[:-1], datetime.now(UTC))
    with serving(lab, broker) as clients:
        calls = calls_of(key, lab.sizes.intake_seconds)

        def sending(name: str) -> Callable[[], int]:
            return lambda: len(clients.send(calls[name]).times)

        yield clients, {name: sending(name) for name in (ACCEPTED, CANONICAL)}
