"""The seconds that each step of a batch takes."""

from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from time import perf_counter

from worker.runtime import tracing


class Laps:
    """A stopwatch: each lap ends where the next one begins."""

    def __init__(self) -> None:
        self.seconds: defaultdict[str, float] = defaultdict(float)
        """By step, in their order; a step that ran several times has the sum."""
        self._began_at = perf_counter()

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Time the block as a step, and open its span; one that fails is left to the next lap."""
        with tracing.step(name):
            yield
        self.end(name)

    def end(self, step: str) -> None:
        """Count the time since the last call for this step."""
        now = perf_counter()
        self.seconds[step] += now - self._began_at
        self._began_at = now
