"""Comparing a file with the database: read in pages, without locks.

Most of a file is usually unchanged: unchanged rows are never locked, and conflicts are reported before
anything is written. Written rows are compared again under their locks.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, TypeVar

from sqlalchemy import Engine

from db.ids import new_id
from orders.catalogue.loading import conflicts, read
from orders.catalogue.loading.rows import is_repriced, row_of_class, row_of_event, row_of_promo_code
from orders.catalogue.loading.seats import SeatChanges, compare_seats, taken_labels
from orders.catalogue.loading.transactions import short
from orders.rows import CatalogueClassRow, CatalogueEventRow, PromoCodeRow
from schemas.catalogue import Catalogue, Event, TicketClass, promo_code_key

PAGE: Final = 1_000
"""Events, or ticket classes with their seats, that are read at once."""

_One = TypeVar("_One")


@dataclass(frozen=True, slots=True)
class ClassChange:
    """A change of a ticket class: `after` is its final row, when all of its seats are written."""

    after: CatalogueClassRow
    seats: SeatChanges
    is_last: bool = True
    """False for all but the last part of a change with many seats."""

    @property
    def weight(self) -> int:
        """Return the number of rows to write."""
        return self.seats.rows + self.is_last

    def parts(self, size: int) -> list["ClassChange"]:
        """Return the change in parts of about `size` rows."""
        if self.weight <= size:
            return [self]
        parts = [ClassChange(self.after, seats, is_last=False) for seats in self.seats.parts(size)]
        return [*parts[:-1], ClassChange(self.after, parts[-1].seats)]


@dataclass(slots=True)
class EventChange:
    """A change of an existing event; `before` is its row as read."""

    before: CatalogueEventRow
    after: CatalogueEventRow
    classes: list[ClassChange] = field(default_factory=list)
    promo_codes: list[PromoCodeRow] = field(default_factory=list)

    @property
    def is_repriced(self) -> bool:
        """Return whether its currency or tax changes: then its prices change in the same transaction."""
        return is_repriced(self.before, self.after)

    @property
    def has_new_currency(self) -> bool:
        """Return whether its currency changes, which is allowed only before the first sale."""
        return self.before.currency != self.after.currency

    @property
    def count(self) -> int:
        """Return the number of changed objects of the file."""
        return (self.before != self.after) + len(self.classes) + len(self.promo_codes)


@dataclass(slots=True)
class Differences:
    """The differences between a file and the database, and the conflicts."""

    new_events: list[CatalogueEventRow] = field(default_factory=list)
    changed: list[EventChange] = field(default_factory=list)
    new_classes: list[tuple[CatalogueClassRow, TicketClass]] = field(default_factory=list)
    new_promo_codes: list[PromoCodeRow] = field(default_factory=list)
    conflicts: list[str] = field(default_factory=list)


def compare(
    engine: Engine, tenant_id: str, catalogue: Catalogue, now: datetime, report: Callable[[int], object]
) -> Differences:
    """Return the differences; `report` is called with the number of compared objects."""
    comparison = _Comparison(engine, tenant_id, now)
    for events in pages(catalogue.events, PAGE):
        comparison.add_events(events)
        report(len(events))
    classes = ((event, item) for event in catalogue.events for item in event.ticket_classes)
    for page in pages(classes, PAGE, weight=lambda one: 1 + len(one[1].seat_labels()) // 10):
        comparison.add_classes(page)
        report(len(page))
    for events in pages((event for event in catalogue.events if event.promo_codes), PAGE):
        comparison.add_promo_codes(events)
        report(sum(len(event.promo_codes) for event in events))
    return comparison.result()


class _Comparison:
    def __init__(self, engine: Engine, tenant_id: str, now: datetime) -> None:
        self._engine = engine
        self._tenant_id = tenant_id
        self._now = now
        self._found = Differences()
        self._events: dict[str, EventChange] = {}
        """By their names in the file; both rows of a new event are the new row."""

    def result(self) -> Differences:
        self._found.changed = [event for event in self._events.values() if event.count]
        return self._found

    def add_events(self, events: Sequence[Event]) -> None:
        with short(self._engine) as connection:
            stored = read.read_events(connection, self._tenant_id, [event.id for event in events])
            for item in events:
                before = stored.get(item.id)
                id_ = str(new_id()) if before is None else before.id
                after = row_of_event(item, id=id_, tenant_id=self._tenant_id)
                change = self._events[item.id] = EventChange(before or after, after)
                if before is None:
                    self._found.new_events.append(after)
                elif change.has_new_currency:
                    sold = read.has_sold(connection, before, self._now)
                    self._found.conflicts += conflicts.of_event(before, after, sold)

    def add_classes(self, page: Sequence[tuple[Event, TicketClass]]) -> None:
        with short(self._engine) as connection:
            names = [item.id for _, item in page]
            stored = read.read_classes(connection, self._tenant_id, names, self._now)
            # Also classes without seats in the file: seats to remove may be left.
            seated = [
                stored[item.id].row.id
                for _, item in page
                if item.id in stored and (item.seats or stored[item.id].row.has_seats)
            ]
            seats = read.read_seats(connection, seated, self._now)
        for event, item in page:
            change = self._events[event.id]
            before = stored.get(item.id)
            id_ = str(new_id()) if before is None else before.row.id
            after = row_of_class(item, id=id_, tenant_id=self._tenant_id, event_id=change.after.id)
            if before is None:
                self._found.new_classes.append((after, item))
            else:
                self._add_class(change, before, after, item, seats.get(id_, []))

    def _add_class(
        self,
        event: EventChange,
        before: read.StoredClass,
        after: CatalogueClassRow,
        item: TicketClass,
        seats: Sequence[read.StoredSeat],
    ) -> None:
        changes = compare_seats(item.seat_positions(), seats)
        found = conflicts.of_seats(item.id, taken_labels(changes.gone)) or conflicts.of_class(before, after)
        self._found.conflicts += found
        if before.row != after or changes.rows:
            event.classes.append(ClassChange(after, changes))

    def add_promo_codes(self, events: Sequence[Event]) -> None:
        with short(self._engine) as connection:
            ids = [self._events[event.id].after.id for event in events]
            stored = read.read_promo_codes(connection, ids)
        for event in events:
            change = self._events[event.id]
            for item in event.promo_codes:
                exact, alike = ((change.after.id, name) for name in (item.code, promo_code_key(item.code)))
                before = stored.get(exact) or stored.get(alike)
                id_ = str(new_id()) if before is None else before.row.id
                after = row_of_promo_code(item, id=id_, event_id=change.after.id)
                if before is None:
                    self._found.new_promo_codes.append(after)
                elif before.row != after:
                    self._found.conflicts += conflicts.of_promo_code(before, after)
                    change.promo_codes.append(after)


def pages(
    things: Iterable[_One], size: int, *, weight: Callable[[_One], int] = lambda _: 1
) -> Iterator[list[_One]]:
    """Yield the objects in order, in pages whose weight is at most the size, or of a single object."""
    page: list[_One] = []
    room = size
    for thing in things:
        cost = weight(thing)
        if page and cost > room:
            yield page
            page, room = [], size
        page.append(thing)
        room -= cost
    if page:
        yield page
