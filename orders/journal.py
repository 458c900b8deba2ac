"""The journal of a batch's changes: rejected requests are undone, and only changed rows are written."""

from collections.abc import ItemsView, Iterator, KeysView, ValuesView
from typing import Any, Generic, NamedTuple, TypeVar

K = TypeVar("K")
R = TypeVar("R")


Entry = tuple["Table[Any, Any]", Any, Any]
"""One change: the table, the key of the row, and the row before (None: there was none)."""


class RowDiff(NamedTuple):
    """A row before and after a batch's changes; None where there is no row."""

    key: Any
    before: Any
    after: Any


class Journal:
    """The changes of a batch, in their order."""

    __slots__ = ("_entries", "remember")

    def __init__(self) -> None:
        self._entries: list[Entry] = []
        self.remember = self._entries.append
        """Called with each change, thousands of times per batch."""

    def mark(self) -> int:
        """Return the current position, for `undo`."""
        return len(self._entries)

    def undo(self, mark: int) -> None:
        """Restore the rows of every table to their state at the mark."""
        while len(self._entries) > mark:
            table, key, before = self._entries.pop()
            table.restore(key, before)

    def net(self, mark: int = 0, *, names: frozenset[str] | None = None) -> dict[str, list[RowDiff]]:
        """Return the net changes of rows since the mark, by the names of their tables.

        `names` selects tables (None: all). Rows that can only be new are read from their tables instead.
        """
        first: dict[tuple[int, Any], Entry] = {}
        for entry in self._entries[mark:]:
            table = entry[0]
            if not table.is_all_new and (names is None or table.name in names):
                first.setdefault((id(table), entry[1]), entry)
        found: dict[str, list[RowDiff]] = {}
        for table, key, before in first.values():
            after = table.get(key)
            if after != before:
                found.setdefault(table.name, []).append(RowDiff(key, before, after))
        return found


class Table(Generic[K, R]):
    """Rows by key: read like a mapping, changed only by `put` and `remove`."""

    __slots__ = ("_remember", "_rows", "is_all_new", "name")

    def __init__(
        self, name: str, journal: Journal, rows: dict[K, R] | None = None, *, is_all_new: bool = False
    ) -> None:
        self.name = name
        self.is_all_new = is_all_new
        self._remember = journal.remember
        self._rows: dict[K, R] = {} if rows is None else rows

    def put(self, key: K, row: R) -> None:
        """Set the row of the key."""
        self._remember((self, key, self._rows.get(key)))
        self._rows[key] = row

    def remove(self, key: K) -> None:
        """Remove the row."""
        self._remember((self, key, self._rows.pop(key)))

    def add_loaded(self, key: K, row: R) -> None:
        """Add a row that was read from the database; it is not written."""
        self._rows[key] = row

    def restore(self, key: K, before: R | None) -> None:
        """Undo a change; only for the journal."""
        if before is None:
            del self._rows[key]
        else:
            self._rows[key] = before

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
