"""All measurements by name, in their order."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

from benchmarks import drains, filled, floor, hot, intake, kills, latency, lone, memory, relay
from benchmarks.lab import RABBITMQ, REDIS, Lab
from benchmarks.results import Row, Target


@dataclass(frozen=True, slots=True)
class Measure:
    """One measurement: `title` and `target` stand in the table where it cannot be made."""

    name: str
    title: str
    target: Target
    run: Callable[[Lab], Sequence[Row]]


def _run_on(run: Callable[[Lab, str], Sequence[Row]], broker: str, lab: Lab) -> Sequence[Row]:
    return run(lab, broker)


def _on_each_broker(
    name: str, title: str, target: Target, run: Callable[[Lab, str], Sequence[Row]]
) -> list[Measure]:
    return [
        Measure(f"{name}-{broker.lower()}", f"{broker}: {title}", target, partial(_run_on, run, broker))
        for broker in (RABBITMQ, REDIS)
    ]


MEASURES: Final = (
    *_on_each_broker("drain", "orders drained; textbook", drains.TEXTBOOK, drains.run),
    Measure("floor", "orders drained; the same rows written with COPY", floor.TARGET, floor.run),
    Measure("hot", "orders drained, all on one ticket class; over 100", hot.TARGET, hot.run),
    *_on_each_broker("lone", "a lone order, publish to commit; textbook", lone.TARGET, lone.run),
    *_on_each_broker("latency", latency.TITLE, latency.TARGET, latency.run),
    Measure("filled", "orders drained, many in the tables; empty tables", filled.TARGET, filled.run),
    Measure("memory", "memory of a worker after many orders; after few", memory.TARGET, memory.run),
    Measure("relay", "events relayed while orders are drained; orders drained", relay.TARGET, relay.run),
    Measure("intake", "HTTP intake with confirms; an empty handler", intake.TARGET, intake.run),
    Measure("kills", kills.TITLE, kills.TARGET, kills.run),
)  # fmt: skip
