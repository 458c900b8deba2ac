"""An on-sale where everybody wants the same ticket class, against orders spread over a hundred."""

from collections.abc import Sequence
from typing import Final

from benchmarks.lab import Lab
from benchmarks.orders import HOT
from benchmarks.racing import Drain, race
from benchmarks.results import Row, Target, compared

TITLE: Final = "orders drained, all on one ticket class; over 100"
TARGET: Final = Target(0.9)


def run(lab: Lab) -> Sequence[Row]:
    """Return the hot drain against the spread one."""
    broker = lab.brokers[0]
    (crew,) = lab.crews(broker, "willcall")
    spread, hot = race(
        lab, {"spread over 100 classes": Drain(lab, crew), "all on one class": Drain(lab, crew, classes=HOT)}
    ).values()
    note = f"{broker}, {crew.workers} process(es)"
    return [compared(TITLE, TARGET, hot, spread, note)]
