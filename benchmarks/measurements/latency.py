"""Under a fifth and under half of the load that it can take: from the moment an order was due to its commit.

The producer is an open loop: it publishes by the clock, whatever becomes of the orders before, and each
order counts from the moment when it was due. What can be taken is the rate of a drain of such messages, with
one order each.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Final
from uuid import UUID

from benchmarks.loads.orders import make_orders
from benchmarks.results import Figure, Row, Target, quantile
from benchmarks.running.brokers import sending
from benchmarks.running.crew import Bodies, Crew, System
from benchmarks.running.database import Database
from benchmarks.running.lab import Lab
from benchmarks.running.racing import race

TARGET: Final = Target(100, is_most=True, unit="ms")

_SHARES: Final = (0.2, 0.5)


def title_of(share: float) -> str:
    """Return the title of a row."""
    return f"publish to commit at {share * 100:.0f} % of the drain rate, p99"


TITLE: Final = title_of(_SHARES[0])

# Orders that are due at nearly the same moment share a publishing, as they do in the intake.
_TICK_SECONDS: Final = 0.005

_COMMITS: Final = """
    SELECT id, CAST(extract(epoch FROM pg_xact_commit_timestamp(xmin)) AS float8) AS moment FROM requests
"""


def run(lab: Lab, broker: str) -> Sequence[Row]:
    """Return the 99th percentile of each share of the load; the median stands in the note."""
    (crew,) = lab.crews(broker, "willcall")
    drained = _drained(lab, crew)
    return [_row(lab, broker, crew, drained, share) for share in _SHARES]


def _drained(lab: Lab, crew: Crew) -> float:
    """Return the orders a second out of a full queue, one a message; the median of the runs."""
    count = crew.orders_for(lab.sizes.drain_seconds)
    return median(crew.drain(make_orders(count), 1).rate for _ in range(lab.sizes.runs))


def _row(lab: Lab, broker: str, crew: Crew, drained: float, share: float) -> Row:
    load = Load(lab, crew, drained * share)
    name = f"{broker}, {load.rate:,.0f} orders/s"
    p99 = race(lab, {name: load}, "ms")[name]
    p50 = Figure(tuple(load.medians), "ms")
    note = (
        f"{load.rate:,.0f} of {drained:,.0f} orders/s, one a message, for {lab.sizes.load_seconds:g} s; "
        f"p50 {p50.median:.1f} ms"
    )
    return Row(f"{broker}: {title_of(share)}", TARGET, p99, note=note)


@dataclass(frozen=True, slots=True)
class Load:
    """One run; the 99th percentile in ms. `medians` collects the median of each run."""

    lab: Lab
    crew: Crew
    rate: float
    medians: list[float] = field(default_factory=list)

    def __call__(self) -> float:
        database = self.crew.system.database
        database.reset()
        orders = make_orders(int(self.rate * self.lab.sizes.load_seconds))
        with self.crew.at_work():
            due = publish_by_the_clock(self.crew.system, orders, self.rate)
            database.wait_for(len(orders), log=self.crew.last_words)
        latencies = _latencies(database, due)
        self.medians.append(quantile(latencies, 0.5) * 1_000)
        return quantile(latencies, 0.99) * 1_000


def publish_by_the_clock(system: System, orders: Bodies, rate: float) -> dict[UUID, float]:
    """Publish the orders at an even rate, orders a second; return when each was due, Unix seconds."""
    assert system.messages is not None
    with sending(system.broker_url, system.messages(orders)) as send:
        began = time.time()
        done = 0
        while done < len(orders):
            until = min(len(orders), int((time.time() - began) * rate) + 1)
            if until > done:  # a slow rate has none due in a tick
                send(done, until)
            done = until
            time.sleep(_TICK_SECONDS)
    return {UUID(order["request_id"]): began + index / rate for index, order in enumerate(orders)}


def _latencies(database: Database, due: Mapping[UUID, float]) -> list[float]:
    return [row.moment - due[row.id] for row in database.rows(_COMMITS)]
