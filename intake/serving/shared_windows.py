"""Fixed windows that several processes count in together: a file that all of them map, with a row for each.

A process writes only its own row, so none waits for another. The count is the sum of the rows.
"""

import mmap
import time
from collections.abc import Iterator
from hashlib import blake2b
from pathlib import Path
from struct import Struct
from typing import Final

from limits.storage import Storage

_ENTRY: Final = Struct("16sdq")
"""A key's hash, the end of its window, and the count."""

_ENTRIES: Final = 8192
"""Entries of a row: keys that a process counts at the same time. A key beyond that is not limited."""

_PLACES: Final = 4
"""The number of neighbouring entries in which a key may be."""

_ROW_BYTES: Final = _ENTRY.size * _ENTRIES


def make_windows(path: Path, processes: int) -> None:
    """Make the file, with all counts zero."""
    with path.open("wb") as file:
        file.truncate(_ROW_BYTES * processes)


class SharedWindows(Storage):
    """A storage of `limits` for its fixed windows, which begin with the clock, in all processes alike."""

    STORAGE_SCHEME = None

    def __init__(self, path: Path, index: int) -> None:
        super().__init__()
        with path.open("r+b") as file:
            self._file = mmap.mmap(file.fileno(), 0)
        self._own = index * _ROW_BYTES

    @property
    def base_exceptions(self) -> type[Exception]:
        """Return the errors that `limits` takes for a failure of the storage."""
        return OSError

    def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        """Count in the key's window of `expiry` seconds, and return the count of all processes."""
        now = time.time()
        name = _hash(key)
        place, counted = self._own_place(name, now)
        until = (now // expiry + 1) * expiry
        self._file[place : place + _ENTRY.size] = _ENTRY.pack(name, until, counted + amount)
        return self.get(key)

    def get(self, key: str) -> int:
        """Return the count of all processes in the key's window."""
        return sum(count for _, count in self._found(key))

    def get_expiry(self, key: str) -> float:
        """Return the end of the key's window; now, if it has none."""
        return max((until for until, _ in self._found(key)), default=time.time())

    def check(self) -> bool:
        """Say that the storage works."""
        return True

    def reset(self) -> int | None:
        """Delete the counts of this process."""
        self._file[self._own : self._own + _ROW_BYTES] = bytes(_ROW_BYTES)
        return None

    def clear(self, key: str) -> None:
        """Delete this process's count of a key."""
        name = _hash(key)
        for place in _places(self._own, name):
            if _ENTRY.unpack_from(self._file, place)[0] == name:
                self._file[place : place + _ENTRY.size] = bytes(_ENTRY.size)

    def _own_place(self, name: bytes, now: float) -> tuple[int, int]:
        """Return the position of this process's entry for a key, and its count."""
        free = None
        for place in _places(self._own, name):
            owner, until, count = _ENTRY.unpack_from(self._file, place)
            if owner == name:
                return place, count if until > now else 0
            if free is None and until <= now:
                free = place
        return next(_places(self._own, name)) if free is None else free, 0

    def _found(self, key: str) -> Iterator[tuple[float, int]]:
        now = time.time()
        name = _hash(key)
        for row in range(0, len(self._file), _ROW_BYTES):
            for place in _places(row, name):
                owner, until, count = _ENTRY.unpack_from(self._file, place)
                if owner == name and until > now:
                    yield until, count
                    break


def _hash(key: str) -> bytes:
    return blake2b(key.encode(), digest_size=16).digest()


def _places(row: int, name: bytes) -> Iterator[int]:
    first = int.from_bytes(name[:4])
    for step in range(_PLACES):
        yield row + (first + step) % _ENTRIES * _ENTRY.size
