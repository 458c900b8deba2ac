"""What calls took and how they were answered, by their kind."""

import threading
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Kind:
    """The calls of one kind."""

    seconds: list[float] = field(default_factory=list)
    statuses: Counter[str] = field(default_factory=Counter)

    def percentile(self, share: float) -> float:
        """Return how long the slowest but for this share took, in seconds."""
        ordered = sorted(self.seconds) or [0.0]
        return ordered[min(len(ordered) - 1, int(len(ordered) * share))]

    def failures(self) -> int:
        """Return how many were answered with 5xx, or not at all."""
        return sum(count for status, count in self.statuses.items() if not status.startswith(("2", "3", "4")))


class Timings:
    """Counts calls of several threads."""

    def __init__(self) -> None:
        self.kinds: defaultdict[str, Kind] = defaultdict(Kind)
        self._lock = threading.Lock()

    @contextmanager
    def timed(self, kind: str) -> Iterator[list[int | str]]:
        """Time the block, which appends how the call was answered; a call that fails has no answer."""
        status: list[int | str] = []
        started = time.monotonic()
        try:
            yield status
        finally:
            with self._lock:
                self.kinds[kind].seconds.append(time.monotonic() - started)
                self.kinds[kind].statuses[str(status[-1]) if status else "none"] += 1

    def words(self) -> dict[str, Any]:
        """Return what another process can read."""
        with self._lock:
            return {
                name: {"seconds": kind.seconds, "statuses": dict(kind.statuses)}
                for name, kind in self.kinds.items()
            }


def kinds_of(words: Mapping[str, Any]) -> dict[str, Kind]:
    """Return the kinds that another process has counted."""
    return {name: Kind(kind["seconds"], Counter(kind["statuses"])) for name, kind in words.items()}


def table(rows: Iterable[tuple[object, ...]], *header: str) -> str:
    """Return the rows as text in columns."""
    cells = [header, *(tuple(map(str, row)) for row in rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in cells
    )


def table_of(kinds: Mapping[str, Kind]) -> str:
    """Return the kinds as a table, times in milliseconds."""
    rows = (
        (
            name,
            len(kind.seconds),
            round(kind.percentile(0.5) * 1_000),
            round(kind.percentile(0.99) * 1_000),
            round(max(kind.seconds, default=0) * 1_000),
            " ".join(f"{status}×{count}" for status, count in sorted(kind.statuses.items())),
        )
        for name, kind in sorted(kinds.items())
    )
    return table(rows, "calls", "count", "p50 ms", "p99 ms", "max ms", "answers")
