"""Pages of a listing by position, without counting up to it.

A snapshot holds the ids of a listing in order, in blocks, each with its first key. Later changes are applied
to it: a changed id leaves its place, and moves to the place of its new key. The sizes of the blocks then show
where a position is, and only that block is read.
"""

from array import array
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Final
from uuid import UUID

BLOCK: Final = 256
"""Ids of a snapshot that share a key."""

_WIDTH: Final = 16

Key = tuple[str, str, bytes]
"""The sort key of a listing: last name, first name, id; the names are empty if it is sorted by id."""


@dataclass(frozen=True, slots=True)
class Entry:
    """An order that may have changed: its current key, and whether the listing includes it."""

    key: Key
    is_listed: bool


@dataclass(frozen=True, slots=True)
class ListingSnapshot:
    """A listing at one moment: its ids in order, and the first key of each block."""

    ids: bytes
    keys: Sequence[Key]
    places: "array[int] | None" = None
    """The places of the ids, by id; None if the listing is sorted by id."""

    def __len__(self) -> int:
        return len(self.ids) // _WIDTH

    def at(self, place: int) -> bytes:
        """Return the id at a place."""
        return self.ids[place * _WIDTH : (place + 1) * _WIDTH]

    def place_of(self, id_: bytes) -> int | None:
        """Return the place of the id, or None."""
        low, high = 0, len(self)
        while low < high:
            middle = (low + high) // 2
            place = middle if self.places is None else self.places[middle]
            found = self.at(place)
            if found == id_:
                return place
            low, high = (middle + 1, high) if found < id_ else (low, middle)
        return None


class Listing:
    """A snapshot with the changes since."""

    def __init__(self, snapshot: ListingSnapshot, changed: Iterable[Entry]) -> None:
        self._snapshot = snapshot
        self._gone: defaultdict[int, set[bytes]] = defaultdict(set)
        self._added: defaultdict[int, list[Key]] = defaultdict(list)
        for entry in changed:
            self._lay_over(entry)
        blocks = range(max(len(snapshot.keys), 1))
        self._ends = list(accumulate(self._size(block) for block in blocks))

    def __len__(self) -> int:
        return self._ends[-1]

    def page(self, start: int, stop: int, keys_of: Callable[[Sequence[bytes]], Iterable[Key]]) -> list[UUID]:
        """Return the ids at the positions from start up to stop, which may lie beyond the end.

        `keys_of` returns the keys of some ids, in any order: it is called if a page has additions.
        """
        start, stop = max(start, 0), min(stop, len(self))
        if start >= stop:
            return []
        first = bisect_right(self._ends, start)
        last = bisect_right(self._ends, stop - 1)
        ids = [id_ for block in range(first, last + 1) for id_ in self._ids_of(block, keys_of)]
        before = self._ends[first - 1] if first else 0
        return [UUID(bytes=id_) for id_ in ids[start - before : stop - before]]

    def _lay_over(self, entry: Entry) -> None:
        place = self._snapshot.place_of(entry.key[2])
        if place is not None:
            self._gone[place // BLOCK].add(entry.key[2])
        if entry.is_listed:
            self._added[max(bisect_right(self._snapshot.keys, entry.key) - 1, 0)].append(entry.key)

    def _size(self, block: int) -> int:
        in_snapshot = min(BLOCK, len(self._snapshot) - block * BLOCK)
        return in_snapshot - len(self._gone.get(block, ())) + len(self._added.get(block, ()))

    def _ids_of(self, block: int, keys_of: Callable[[Sequence[bytes]], Iterable[Key]]) -> list[bytes]:
        end = min((block + 1) * BLOCK, len(self._snapshot))
        gone = self._gone.get(block, ())
        ids = [self._snapshot.at(place) for place in range(block * BLOCK, end)]
        ids = [id_ for id_ in ids if id_ not in gone]
        added = self._added.get(block)
        if not added:
            return ids
        return [key[2] for key in sorted([*keys_of(ids), *added])]
