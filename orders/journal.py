"""The journal of a batch's changes: rejected requests are undone, and only changed rows are written.

An entry refers to the rows of a table, not to the table, which refers to the journal. Without that cycle all
that a batch has made is freed as soon as the batch ends, without a search by the garbage collector.
"""

from collections.abc import ItemsView, Iterator, KeysView, ValuesView
from typing import Any, Generic, NamedTuple, TypeVar

K = TypeVar("K")
R = TypeVar("R")


Entry = tuple[dict[Any, Any], Any, Any]
"""One change: the rows of the table, the key of the row, and the row before (None: there was none)."""


class RowDiff(NamedTuple):
    """A row before and after a batch's changes; None where there is no row."""

    key: Any
    before: Any
    after: Any


class Journal:
    """The changes of a batch, in their order."""

    __slots__ = ("_entries", "_watched", "remember")

    def __init__(self) -> None:
        self._entries: list[Entry] = []
        self._watched: dict[int, tuple[str, dict[Any, Any]]] = {}  # by the id of the rows
        self.remember = self._entries.append
        """Called with each change, thousands of times per batch."""

    def watch(self, rows: dict[Any, Any], name: str) -> None:
        """Name the rows of a table, so that `net` returns their changes."""
        self._watched[id(rows)] = name, rows  # the rows as well, so that nothing else takes their id

    def mark(self) -> int:
        """Return the current position, for `undo`."""
        return len(self._entries)

    def undo(self, mark: int) -> None:
        """Restore the rows of every table to their state at the mark."""
        while len(self._entries) > mark:
            rows, key, before = self._entries.pop()
            if before is None:
                del rows[key]
            else:
                rows[key] = before

    def net(self, mark: int = 0, *, names: frozenset[str] | None = None) -> dict[str, list[RowDiff]]:
        """Return the net changes of rows since the mark, by the names of their tables.

        `names` selects tables (None: all). Rows that can only be new are read from their tables instead.
        """
        first: dict[tuple[int, Any], Entry] = {}
        for entry in self._entries[mark:]:
            watched = self._watched.get(id(entry[0]))
            if watched is not None and (names is None or watched[0] in names):
                first.setdefault((id(entry[0]), entry[1]), entry)
        found: dict[str, list[RowDiff]] = {}
        for rows, key, before in first.values():
            after = rows.get(key)
            if after != before:
                name, _ = self._watched[id(rows)]
                found.setdefault(name, []).append(RowDiff(key, before, after))
        return found


class Table(Generic[K, R]):
    """Rows by key: read like a mapping, changed only by `put` and `remove`."""

    __slots__ = ("_remember", "_rows")

    def __init__(
        self, name: str, journal: Journal, rows: dict[K, R] | None = None, *, is_all_new: bool = False
    ) -> None:
        self._remember = journal.remember
        self._rows: dict[K, R] = {} if rows is None else rows
        if not is_all_new:
            journal.watch(self._rows, name)

    def put(self, key: K, row: R) -> None:
        """Set the row of the key."""
        self._remember((self._rows, key, self._rows.get(key)))
        self._rows[key] = row

    def remove(self, key: K) -> None:
        """Remove the row."""
        self._remember((self._rows, key, self._rows.pop(key)))

    def add_loaded(self, key: K, row: R) -> None:
        """Add a row that was read from the database; it is not written."""
        self._rows[key] = row

    def __getitem__(self, key: K) -> R:
        return self._rows[key]

    def get(self, key: K) -> R | None:
        """Return the row, or None."""
        return self._rows.get(key)

    def __contains__(self, key: object) -> bool:
        return key in self._rows

    def __iter__(self) -> Iterator[K]:
        return iter(self._rows)

    def __len__(self) -> int:
        return len(self._rows)

    def keys(self) -> KeysView[K]:
        """Return the keys."""
        return self._rows.keys()

    def values(self) -> ValuesView[R]:
        """Return the rows."""
        return self._rows.values()

    def items(self) -> ItemsView[K, R]:
        """Return the rows with their keys."""
        return self._rows.items()
