"""How many connections each of several processes has: a file that all of them see, a number for each."""

import mmap
from pathlib import Path
from struct import Struct
from typing import Final

_NUMBER: Final = Struct("q")

_AWAY: Final = 2**62
"""Of a process that takes no connections: nobody has more."""


def make_counts(path: Path, processes: int) -> None:
    """Make the file; no process takes connections yet."""
    path.write_bytes(_NUMBER.pack(_AWAY) * processes)


def mark_away(path: Path, index: int) -> None:
    """Note that a process has died."""
    with path.open("r+b") as file:
        file.seek(index * _NUMBER.size)
        file.write(_NUMBER.pack(_AWAY))


class OpenCounts:
    """The numbers as one process sees them, which writes its own."""

    def __init__(self, path: Path, index: int) -> None:
        with path.open("r+b") as file:
            # An aligned number is written and read at once, so that nobody sees half of it.
            self._numbers = memoryview(mmap.mmap(file.fileno(), 0)).cast("q")
        self._index = index
        self._others = [one for one in range(len(self._numbers)) if one != index]

    def tell(self, count: int) -> None:
        """Write how many connections this process has."""
        self._numbers[self._index] = count

    def leave(self) -> None:
        """Note that this process takes no more connections."""
        self._numbers[self._index] = _AWAY

    def lead(self) -> int:
        """Return how many connections this process has more than the one with the fewest."""
        own = self._numbers[self._index]
        return max(0, own - min((self._numbers[other] for other in self._others), default=own))
