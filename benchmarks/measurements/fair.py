"""Lone orders of one tenant while another tenant has very many orders waiting."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from typing import Final

from benchmarks.compared.systems import packed, settings_of
from benchmarks.loads.orders import TENANT, catalogue, make_orders
from benchmarks.measurements.lone import latency
from benchmarks.results import Figure, Row, Target, quantile
from benchmarks.running.crew import Crew
from benchmarks.running.lab import Lab
from benchmarks.running.racing import race
from orders.catalogue.loading import load_catalogue
from willcall.kinds import CREATE
from willcall.publishing import Publisher
from willcall.queues import share_of

TITLE: Final = "a lone order while another tenant has very many waiting, publish to commit, p99"
TARGET: Final = Target(500, is_most=True, unit="ms")

_EVERY_SECONDS: Final = 0.05
_END: Final = 0.9
"""The part of the waiting orders after which lone ones end: later ones would have none before them."""


def run(lab: Lab, broker: str) -> Sequence[Row]:
    """Return the 99th percentile of the lone orders; the median stands in the note."""
    (crew,) = lab.crews(broker, "willcall")
    fair = Fair(lab, crew, _in_another_share(crew.system.broker_url))
    load_catalogue(crew.system.database.engine, catalogue(fair.tenant), now=datetime.now(UTC))
    name = f"{broker}, lone orders while others wait"
    p99 = race(lab, {name: fair}, "ms")[name]
    p50 = Figure(tuple(fair.medians), "ms")
    note = f"{lab.sizes.waiting_orders:,} orders of the other tenant, 100 a message; p50 {p50.median:.1f} ms"
    return [Row(f"{broker}: {TITLE}", TARGET, p99, note=note)]


def _in_another_share(url: str) -> str:
    names = (f"neighbour-{number}" for number in count())
    return next(name for name in names if share_of(name, url) != share_of(TENANT, url))


@dataclass(frozen=True, slots=True)
class Fair:
    """One run; the 99th percentile in ms. `medians` collects the median of each run."""

    lab: Lab
    crew: Crew
    tenant: str
    medians: list[float] = field(default_factory=list)

    def __call__(self) -> float:
        system, waiting = self.crew.system, self.lab.sizes.waiting_orders
        database = system.database
        database.reset()
        system.publish(make_orders(waiting), 100)
        settings = settings_of(database, system.broker_url)
        latencies: list[float] = []
        with self.crew.at_work(), Publisher(system.broker_url, settings) as publisher:
            database.wait_for(1, log=self.crew.last_words)
            while not latencies or database.sold() < waiting * _END:
                (order,) = make_orders(1)
                messages = packed(CREATE, [order], 1, self.tenant)
                latencies.append(latency(publisher, messages, database, order["request_id"]))
                time.sleep(_EVERY_SECONDS)
            database.wait_for(waiting + len(latencies), log=self.crew.last_words)
        self.medians.append(quantile(latencies, 0.5) * 1_000)
        return quantile(latencies, 0.99) * 1_000
