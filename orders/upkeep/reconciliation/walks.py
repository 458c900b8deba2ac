"""Walks through the tables: page by page, each with short statements, without locks."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol
from uuid import UUID

from sqlalchemy import Row, text

from db.bulk import array
from orders.upkeep.reconciliation.rules import Look

Parameters = Mapping[str, Any]
"""The parameters of the statements of a page."""

PAGE_ROWS: Final = 2_000
"""Maximum rows of each table in a page, apart from those of its last order."""

_FIRST: Final = UUID(int=0)

_CLASSES: Final = text("SELECT event_id, id, sold FROM ticket_classes ORDER BY event_id")


class Walk(Protocol):
    """A walk through some tables, with the statements for each page."""

    @property
    def name(self) -> str:
        """Return the name of the walk, for progress reports."""

    @property
    def looks(self) -> Sequence[Look]:
        """Return the statements for each page."""

    def pages(self, connect: "Connect") -> Iterator[Parameters]:
        """Yield the pages; rows inserted meanwhile are left for the next run."""


class Connect(Protocol):
    """Runs one statement in its own transaction."""

    def __call__(self, statement: Any, parameters: Parameters | None = None) -> Sequence[Row[Any]]:
        """Return the rows."""


@dataclass(frozen=True, slots=True)
class ById:
    """Pages by ids in order: a page ends before it has too many rows of any table.

    `keys` are tables, each with the column of the id, which is the first one of an index.
    """

    name: str
    keys: tuple[tuple[str, str], ...]
    looks: tuple[Look, ...]

    def pages(self, connect: Connect) -> Iterator[Parameters]:
        """Yield the id after which each page begins, and its last id."""
        after = _FIRST
        last = connect(self._edge("greatest", "", "DESC LIMIT 1"))[0][0]
        end = self._edge(
            "least", "WHERE {column} > :after AND {column} <= :last", f"OFFSET {PAGE_ROWS - 1} LIMIT 1"
        )
        while last is not None and after < last:
            upto = connect(end, {"after": after, "last": last})[0][0] or last
            yield {"after": after, "upto": upto}
            after = upto

    def _edge(self, edge: str, where: str, which: str) -> Any:
        rows = ", ".join(
            f"(SELECT {column} FROM {table} {where.format(column=column)} ORDER BY {column} {which})"  # noqa: S608
            for table, column in self.keys
        )
        return text(f"SELECT {edge}({rows})")


@dataclass(frozen=True, slots=True)
class ByEvent:
    """Pages by events: several small ones together, a large one alone."""

    name: str
    looks: tuple[Look, ...]

    def pages(self, connect: Connect) -> Iterator[Parameters]:
        """Yield events with their ticket classes."""
        events: dict[UUID, list[UUID]] = {}
        rows = 0
        for row in connect(_CLASSES):
            event_id, class_id, sold = row.event_id, row.id, row.sold
            if event_id not in events and rows > PAGE_ROWS:
                yield _of(events)
                events, rows = {}, 0
            events.setdefault(event_id, []).append(class_id)
            rows += 1 + sold
        if events:
            yield _of(events)


def _of(events: Mapping[UUID, Sequence[UUID]]) -> Parameters:
    class_ids = [id_ for ids in events.values() for id_ in ids]
    return {"event_ids": array(events), "class_ids": array(class_ids)}


@dataclass(frozen=True, slots=True)
class AtOnce:
    """A single page, for short tables, or tables that are read up to a limit."""

    name: str
    looks: tuple[Look, ...]

    def pages(self, connect: Connect) -> Iterator[Parameters]:
        """Yield the single page."""
        yield {}
