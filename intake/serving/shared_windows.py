"""Fixed windows that several processes count together: a file that all of them see, a row for each.

A process writes its own row only, so that nobody waits. What all have counted is the sum of the rows.
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
"""A key's hash, when its window ends, and what was counted in it."""

_ENTRIES: Final = 8192
"""Of a row: keys that a process counts at the same time. What has no place is forgotten, and so let pass."""

_PLACES: Final = 4
"""Where the entry of a key may be, one after the other."""

_ROW_BYTES: Final = _ENTRY.size * _ENTRIES


def make_windows(path: Path, processes: int) -> None:
    """Make the file, with nothing counted."""
    with path.open("wb") as file:
        file.truncate(_ROW_BYTES * processes)


class SharedWindows(Storage):
    """What `limits` counts in, for its fixed windows. They begin with the clock, for all processes alike."""

    STORAGE_SCHEME = None

    def __init__(self, path: Path, index: int) -> None:
        super().__init__()
        with path.open("r+b") as file:
            self._file = mmap.mmap(file.fileno(), 0)
        self._own = index * _ROW_BYTES

    @property
    def base_exceptions(self) -> type[Exception]:
        """Return what `limits` may take for a fault of the storage."""
        return OSError

    def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        """Count in the window of so many seconds, and return what all have counted in it."""
        now = time.time()
        name = _hash(key)
        place, counted = self._own_place(name, now)
        until = (now // expiry + 1) * expiry
        self._file[place : place + _ENTRY.size] = _ENTRY.pack(name, until, counted + amount)
        return self.get(key)

    def get(self, key: str) -> int:
        """Return what all have counted in the key's window."""
        return sum(count for _, count in self._found(key))

    def get_expiry(self, key: str) -> float:
        """Return when the key's window ends: now, if it has none."""
        return max((until for until, _ in self._found(key)), default=time.time())

    def check(self) -> bool:
        """Return that it can count."""
        return True

    def reset(self) -> int | None:
        """Forget what this process has counted."""
        self._file[self._own : self._own + _ROW_BYTES] = bytes(_ROW_BYTES)
        return None

    def clear(self, key: str) -> None:
        """Forget what this process has counted of a key."""
        name = _hash(key)
        for place in _places(self._own, name):
            if _ENTRY.unpack_from(self._file, place)[0] == name:
                self._file[place : place + _ENTRY.size] = bytes(_ENTRY.size)

    def _own_place(self, name: bytes, now: float) -> tuple[int, int]:
        """Return where this process counts a key, and what it has counted there."""
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
