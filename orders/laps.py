"""The seconds that each step of a batch takes."""

from collections import defaultdict
from time import perf_counter


class Laps:
    """A stopwatch: each lap ends where the next one begins."""

    def __init__(self) -> None:
        self.seconds: defaultdict[str, float] = defaultdict(float)
        """By step, in their order; a step that ran several times has the sum."""
        self._began_at = perf_counter()

    def end(self, step: str) -> None:
        """Count the time since the last call for this step."""
        now = perf_counter()
        self.seconds[step] += now - self._began_at
        self._began_at = now
