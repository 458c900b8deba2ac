"""Check-ins in an order of very many tickets, against check-ins in orders of one ticket."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from statistics import median
from typing import Any, Final

from benchmarks.compared.systems import packed, settings_of
from benchmarks.loads.orders import SPREAD, make_orders
from benchmarks.loads.requests import check_ins
from benchmarks.measurements.changes import drain_requests, empty_queue, fill_queue
from benchmarks.measurements.lone import latency, pause
from benchmarks.results import Row, Target, compared
from benchmarks.running.crew import Crew
from benchmarks.running.lab import Lab
from benchmarks.running.racing import race
from willcall.kinds import CHECK_IN, CREATE
from willcall.publishing import Publisher

TITLE: Final = "a lone check-in in an order of 10,000 tickets; in one of 1 ticket"
TARGET: Final = Target(3.0, is_most=True)

_LARGE: Final = 10_000
_CROWD: Final = 1_000
_SCANS: Final = 200

_LINE: Final = 1_000
"""Tickets of one line: the most that one may have."""


def run(lab: Lab) -> Sequence[Row]:
    """Return lone check-ins and many at once, each in a large order against small ones."""
    broker = lab.brokers[0]
    (crew,) = lab.crews(broker, "willcall")
    lone, many = lab.sizes.lone_scans, _SCANS
    small, large = race(
        lab,
        {
            f"{broker}, lone check-ins, orders of 1 ticket": LoneScans(crew, lone, 1, lone),
            f"{broker}, lone check-ins, an order of {_LARGE:,}": LoneScans(crew, 1, _LARGE, lone),
        },
        "ms",
    ).values()
    spread, crowd = race(
        lab,
        {
            f"{broker}, {many} check-ins, orders of 1 ticket": Scans(crew, many, 1, many),
            f"{broker}, {many} check-ins, an order of {_CROWD:,}": Scans(crew, 1, _CROWD, many),
        },
        "s",
    ).values()
    return [
        compared(f"{broker}: {TITLE}", TARGET, large, small, f"{lone} scans a run"),
        compared(
            f"{broker}: {many} check-ins in an order of {_CROWD:,} tickets; in {many} orders of 1 ticket",
            TARGET,
            crowd,
            spread,
            f"1 a message, from the start of the workers to the last commit; {crew.workers} process(es)",
        ),
    ]


@dataclass(frozen=True, slots=True)
class LoneScans:
    """One run: scans are published one by one, each after the last is done; the median in ms."""

    crew: Crew
    orders: int
    tickets: int
    """Tickets of each order."""
    scans: int

    def __call__(self) -> float:
        bodies = _prepared(self.crew, self.orders, self.tickets, self.scans)
        system = self.crew.system
        settings = settings_of(system.database, system.broker_url)
        after = system.database.last_request()
        times = []
        with self.crew.at_work(), Publisher(system.broker_url, settings) as publisher:
            publisher.publish([])  # connects
            for body in bodies:
                pause()
                message = packed(CHECK_IN, [body], 1)
                times.append(latency(publisher, message, system.database, body["request_id"]))
        system.database.wait_for_requests(after, len(bodies))  # raises if one was rejected
        return median(times) * 1_000


@dataclass(frozen=True, slots=True)
class Scans:
    """One run: a full queue of scans, one a message, is emptied; the seconds to the last commit."""

    crew: Crew
    orders: int
    tickets: int
    """Tickets of each order."""
    scans: int

    def __call__(self) -> float:
        bodies = _prepared(self.crew, self.orders, self.tickets, self.scans)
        after = fill_queue(self.crew, CHECK_IN, bodies, 1)
        began = time.time()
        commits = empty_queue(self.crew, after, len(bodies))
        return commits.moments[-1] - began


def _prepared(crew: Crew, orders: int, tickets: int, scans: int) -> list[dict[str, Any]]:
    """Make new orders with this many tickets each; return scans of that many of all tickets."""
    database = crew.system.database
    database.reset()
    bodies = [order | _tickets(order, tickets) for order in make_orders(orders)]
    drain_requests(crew, CREATE, bodies)
    database.analyze()
    return check_ins(database)[:scans]


def _tickets(order: Mapping[str, Any], count: int) -> dict[str, Any]:
    """Return the lines of an order with this many tickets: whole lines, or one ticket as it is."""
    if count == 1:
        return {"line_items": order["line_items"]}
    classes = SPREAD[: ceil(count / _LINE)]
    return {"line_items": [{"ticket_class_id": name, "quantity": count // len(classes)} for name in classes]}
