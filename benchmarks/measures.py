"""All measurements by name, in their order."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

from benchmarks.measurements import (
    catalogue,
    changes,
    confirmed,
    costs,
    drains,
    fair,
    filled,
    intake,
    kills,
    large_order,
    latency,
    lone,
    memory,
    reconciling,
    relay,
)
from benchmarks.results import Row, Target
from benchmarks.running.lab import RABBITMQ, REDIS, Lab


@dataclass(frozen=True, slots=True)
class Measure:
    """One measurement: `title` and `target` stand in the table where it cannot be made."""

    name: str
    title: str
    target: Target
    run: Callable[[Lab], Sequence[Row]]
    is_timed: bool = True
    """Whether it has to have the machine for itself; those that have not run together."""
    is_repeated: bool = False
    """Whether it repeats a measurement of RabbitMQ on Redis, so that `--quick` leaves it out."""


def _on(broker: str, run: Callable[[Lab, str], Sequence[Row]], lab: Lab) -> Sequence[Row]:
    return run(lab, broker)


def _on_each_broker(
    name: str,
    title: str,
    target: Target,
    run: Callable[[Lab, str], Sequence[Row]],
    *,
    is_timed: bool = True,
    is_long: bool = False,
) -> list[Measure]:
    return [
        Measure(
            name=f"{name}-{broker.lower()}",
            title=f"{broker}: {title}",
            target=target,
            run=partial(_on, broker, run),
            is_timed=is_timed,
            is_repeated=is_long and broker == REDIS,
        )
        for broker in (RABBITMQ, REDIS)
    ]


MEASURES: Final = (
    *_on_each_broker("drain", drains.TITLE, drains.TEXTBOOK, drains.run),
    Measure("changes", changes.TITLE, changes.TARGET, changes.run),
    Measure("large-order", large_order.TITLE, large_order.TARGET, large_order.run),
    *_on_each_broker("lone", lone.TITLE, lone.TARGET, lone.run, is_long=True),
    *_on_each_broker("latency", latency.TITLE, latency.TARGET, latency.run, is_long=True),
    *_on_each_broker("fair", fair.TITLE, fair.TARGET, fair.run, is_long=True),
    Measure("catalogue", catalogue.TITLE, catalogue.TARGET, catalogue.run),
    Measure("filled", filled.TITLE, filled.TARGET, filled.run),
    Measure("reconcile", reconciling.TITLE, reconciling.TARGET, reconciling.run),
    Measure("relay", relay.TITLE, relay.TARGET, relay.run),
    Measure("intake", intake.TITLE, intake.TARGET, intake.run),
    Measure("confirmed", confirmed.TITLE, confirmed.TARGET, confirmed.run),
    Measure("costs", costs.TITLE, costs.TARGET, costs.run),
    Measure("memory", memory.TITLE, memory.TARGET, memory.run, is_timed=False),
    *_on_each_broker("kills", kills.TITLE, kills.TARGET, kills.run, is_timed=False),
)
