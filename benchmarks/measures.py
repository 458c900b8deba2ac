"""All measurements by name, in their order."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

from benchmarks import drains
from benchmarks.lab import RABBITMQ, REDIS, Lab
from benchmarks.results import Row, Target


@dataclass(frozen=True, slots=True)
class Measure:
    """One measurement: `title` and `target` stand in the table where it cannot be made."""

    name: str
    title: str
    target: Target
    run: Callable[[Lab], Sequence[Row]]


MEASURES: Final = (
    Measure("drain-rabbitmq", "RabbitMQ: orders drained; textbook", drains.TEXTBOOK, partial(drains.run, broker=RABBITMQ)),
    Measure("drain-redis", "Redis: orders drained; textbook", drains.TEXTBOOK, partial(drains.run, broker=REDIS)),
)
