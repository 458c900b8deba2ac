"""What a worker process holds after many orders, against after few."""

import subprocess
from collections.abc import Sequence
from typing import Final

from benchmarks.compared.systems import willcall
from benchmarks.loads.orders import make_orders
from benchmarks.results import Figure, Row, Target
from benchmarks.running.crew import Crew
from benchmarks.running.lab import REDIS, Lab

TITLE: Final = "memory of a worker after many orders; after few"
TARGET: Final = Target(1.05, is_most=True)

_PORTION: Final = 25_000

_STEPS: Final = 3
"""Readings around each of the two points, a tenth of the early one apart."""


def run(lab: Lab) -> Sequence[Row]:
    """Return one process's resident memory late against early."""
    early, late = lab.sizes.memory_orders
    system = willcall(lab.ours, lab.broker_url(REDIS) + "?virtual_host=4", lab.sizes)
    crew = lab.start(system, 1)
    try:
        first = _readings(lab, crew, 0, early)
        last = _readings(lab, crew, early, late)
    finally:
        crew.end()
    return [
        Row(
            TITLE,
            TARGET,
            last,
            first,
            Figure((last.median / first.median,), "×"),
            f"after {late:,} orders; after {early:,}; {_STEPS} readings each",
        )
    ]


def _readings(lab: Lab, crew: Crew, done: int, until: int) -> Figure:
    """Process orders from `done` to `until`; return the memory after each of the last steps, in MiB."""
    step = lab.sizes.memory_orders[0] // 10
    readings = []
    while done < until:
        left = until - done - _STEPS * step
        count = min(left, _PORTION) if left > 0 else step
        lab.say(f"memory: order {done:,} of {until:,}")
        crew.drain(make_orders(count), 100)
        done += count
        if left <= 0:
            readings.append(_resident(crew))
    return Figure(tuple(readings), "MiB")


def _resident(crew: Crew) -> float:
    """Return the resident memory of the crew's only process, in MiB."""
    words = ["ps", "-o", "rss=", "-p", str(crew.processes[0].pid)]
    return int(subprocess.run(words, capture_output=True, check=True, text=True).stdout) / 1024
