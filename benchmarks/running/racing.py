"""Interleaved runs: A B A B …, so that what disturbs the machine disturbs all sides."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from benchmarks.loads.orders import SPREAD, make_orders
from benchmarks.results import Figure
from benchmarks.running.crew import Crew
from benchmarks.running.lab import Lab

Run = Callable[[], float]
"""One run of one side; it returns the measured value."""

PER_SECOND = "orders/s"


def race(lab: Lab, sides: Mapping[str, Run], unit: str = PER_SECOND) -> dict[str, Figure]:
    """Return the figure of each side."""
    runs: dict[str, list[float]] = {name: [] for name in sides}
    for number in range(lab.sizes.runs):
        for name, run in sides.items():
            lab.say(f"{name}: run {number + 1} of {lab.sizes.runs}")
            runs[name].append(run())
    return {name: Figure(tuple(values), unit) for name, values in runs.items()}


@dataclass(frozen=True, slots=True)
class Drain:
    """One run: a queue is filled, then emptied; orders a second from the first commit to the last."""

    lab: Lab
    crew: Crew
    per_message: int = 100
    classes: Sequence[str] = SPREAD
    seconds: float | None = None
    """The approximate seconds of a run; None: as the sizes say."""

    def __call__(self) -> float:
        count = self.crew.orders_for(self.seconds or self.lab.sizes.drain_seconds)
        return self.crew.drain(make_orders(count, self.classes), self.per_message).rate
