"""The number of connections of each process, in a file that all of them map."""

import mmap
from pathlib import Path
from struct import Struct
from typing import Final

_NUMBER: Final = Struct("q")

_AWAY: Final = 2**62
"""The number of a process that accepts no connections: it is larger than any other."""


def make_counts(path: Path, processes: int) -> None:
    """Make the file; no process accepts connections yet."""
    path.write_bytes(_NUMBER.pack(_AWAY) * processes)


def mark_away(path: Path, index: int) -> None:
    """Note that a process has died."""
    with path.open("r+b") as file:
        file.seek(index * _NUMBER.size)
        file.write(_NUMBER.pack(_AWAY))


class OpenCounts:
    """The numbers of all processes; each process writes its own."""

    def __init__(self, path: Path, index: int) -> None:
        with path.open("r+b") as file:
            # An aligned number is written and read at once, so no process reads half of it.
            self._numbers = memoryview(mmap.mmap(file.fileno(), 0)).cast("q")
        self._index = index
        self._others = [one for one in range(len(self._numbers)) if one != index]

    def write(self, count: int) -> None:
        """Write the number of connections of this process."""
        self._numbers[self._index] = count

    def leave(self) -> None:
        """Note that this process accepts no more connections."""
        self._numbers[self._index] = _AWAY

    def lead(self) -> int:
        """Return how many more connections this process has than the one with the fewest."""
        own = self._numbers[self._index]
        return max(0, own - min((self._numbers[other] for other in self._others), default=own))
