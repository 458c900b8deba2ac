"""Writing the differences: event by event, its ticket classes in pages, each page in a short transaction.

**A load holds no lock while it waits for another.** A page takes the locks that are free, in the order of
ids, and writes; locked rows are left for the next turn, and if no row is free, the load waits for a single
one. So sales never deadlock with a load, whatever the order of the file, and wait for at most one page. Only
an event with a new currency or tax is written as a whole: no ticket may be sold at the old number in the
new currency. Its locks are taken in the order in which sales take theirs.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any, Final, Protocol, TypeVar

from sqlalchemy import Connection, Engine

from db import tables
from db.bulk import insert_rows, update_rows
from orders.catalogue.loading import conflicts
from orders.catalogue.loading.compare import ClassChange, Differences, EventChange, pages
from orders.catalogue.loading.conflicts import CatalogueConflict
from orders.catalogue.loading.late_holds import end_late_holds
from orders.catalogue.loading.read import (
    StoredClass,
    StoredPromoCode,
    classes_of_event,
    lock_classes,
    lock_promo_codes,
)
from orders.catalogue.loading.seats import insert_seats, remove_seats, write_seats
from orders.catalogue.loading.transactions import Overtaken, inserting, short
from orders.rows import CatalogueClassRow, CatalogueEventRow, PromoCodeRow
from schemas.catalogue import TicketClass

PAGE: Final = 500
"""Rows changed in one transaction, on which others may wait: they are locked for 10 to 20 ms."""

_NEW_ROWS: Final = 5_000
"""New rows inserted in one transaction; no other transaction waits for these."""

_Change = TypeVar("_Change")
_Stored = TypeVar("_Stored", covariant=True)


class Count(Protocol):
    """Receives the numbers of new and changed objects after each commit."""

    def __call__(self, *, created: int = 0, updated: int = 0) -> None: ...


class _Lock(Protocol[_Stored]):
    def __call__(
        self, connection: Connection, ids: Iterable[str], *, waits: bool
    ) -> Mapping[str, _Stored]: ...


def apply(engine: Engine, differences: Differences, now: datetime, count: Count) -> None:
    """Write the differences.

    Raises `CatalogueConflict` if sales in between contradict them, or `Overtaken`; committed pages stay.
    """
    # New events are on sale once their ticket classes exist: these come last, with their seats.
    for page in pages(differences.new_events, _NEW_ROWS):
        _insert(engine, tables.events, CatalogueEventRow, page, count)
    for change in differences.changed:
        _change_event(engine, change, now, count)
    for codes in pages(differences.new_promo_codes, _NEW_ROWS):
        _insert(engine, tables.promo_codes, PromoCodeRow, codes, count)
    for classes in pages(
        differences.new_classes, _NEW_ROWS, weight=lambda one: 1 + len(one[1].seat_labels())
    ):
        _insert_classes(engine, classes, count)


def _insert(engine: Engine, table: Any, row: type[Any], rows: Sequence[Any], count: Count) -> None:
    with inserting(engine) as connection:
        insert_rows(connection, table, row._fields, rows)
    count(created=len(rows))


def _insert_classes(
    engine: Engine, classes: Sequence[tuple[CatalogueClassRow, TicketClass]], count: Count
) -> None:
    with inserting(engine) as connection:
        rows = [row for row, _ in classes]
        insert_rows(connection, tables.ticket_classes, CatalogueClassRow._fields, rows)
        insert_seats(connection, ((row.id, item.seat_positions()) for row, item in classes))
    count(created=len(classes))


def _change_event(engine: Engine, change: EventChange, now: datetime, count: Count) -> None:
    if change.is_repriced:
        with short(engine) as connection:
            _change_as_a_whole(connection, change, now)
        count(updated=change.count)
        return
    if change.before != change.after:
        with short(engine) as connection:
            _write_event(connection, change)
        count(updated=1)
    parts = (part for one in change.classes for part in one.parts(PAGE))
    for page in pages(parts, PAGE, weight=lambda part: part.weight):
        changes = {part.after.id: part for part in page}
        _in_turns(engine, changes, lock_classes, partial(_write_classes, now=now))
        count(updated=sum(part.is_last for part in page))
    for codes in pages(change.promo_codes, PAGE):
        _in_turns(engine, {code.id: code for code in codes}, lock_promo_codes, _write_promo_codes)
        count(updated=len(codes))


def _in_turns(
    engine: Engine,
    changes: Mapping[str, _Change],
    lock: _Lock[_Stored],
    write: Callable[[Connection, Sequence[_Change], Mapping[str, _Stored]], None],
) -> None:
    """Write the changes by the ids of their rows: all free rows at a time, or a single locked one."""
    left = dict(changes)
    while left:
        with short(engine) as connection:
            locked = lock(connection, left, waits=False) or lock(connection, [min(left)], waits=True)
            if not locked:
                raise Overtaken
            write(connection, [left.pop(id_) for id_ in locked], locked)


def _change_as_a_whole(connection: Connection, change: EventChange, now: datetime) -> None:
    ids = {one.after.id for one in change.classes}
    if change.has_new_currency:
        ids.update(classes_of_event(connection, change.after))
    locked = lock_classes(connection, ids, waits=True)
    if change.has_new_currency and any(stored.taken for stored in locked.values()):
        end_late_holds(connection, ids, now)
        locked = lock_classes(connection, ids, waits=True)
        has_sold = any(stored.taken for stored in locked.values())
        _refuse(conflicts.of_event(change.before, change.after, has_sold))
    _write_classes(connection, change.classes, locked, now)
    codes = lock_promo_codes(connection, [code.id for code in change.promo_codes], waits=True)
    _write_promo_codes(connection, change.promo_codes, codes)
    _write_event(connection, change)


def _write_event(connection: Connection, change: EventChange) -> None:
    update_rows(connection, tables.events, CatalogueEventRow._fields, [change.before], [change.after])


def _write_classes(
    connection: Connection,
    changes: Sequence[ClassChange],
    locked: Mapping[str, StoredClass],
    now: datetime,
) -> None:
    ids = [change.after.id for change in changes]
    if _conflicts(changes, locked) or any(change.seats.gone for change in changes):
        end_late_holds(connection, ids, now)
        locked = lock_classes(connection, ids, waits=True)
    found = _conflicts(changes, locked)
    stay = remove_seats(connection, [seat for change in changes for seat in change.seats.gone])
    for change in changes:
        labels = [seat.label for seat in change.seats.gone if seat.id in stay]
        found += conflicts.of_seats(change.after.external_id, labels)
    _refuse(found)
    write_seats(connection, [(change.after.id, change.seats) for change in changes])
    before = [locked[id_].row for id_ in ids]
    after = [_row(change, locked[change.after.id]) for change in changes]
    update_rows(connection, tables.ticket_classes, CatalogueClassRow._fields, before, after)


def _row(change: ClassChange, stored: StoredClass) -> CatalogueClassRow:
    """Return the new row of a class; until the last part of its seats, its capacity is their number."""
    if change.is_last:
        return change.after
    seats = (stored.row.capacity if stored.row.has_seats else 0) + change.seats.more
    return stored.row._replace(has_seats=True, capacity=max(seats, stored.taken))


def _conflicts(changes: Sequence[ClassChange], locked: Mapping[str, StoredClass]) -> list[str]:
    return [
        sentence
        for change in changes
        for sentence in conflicts.of_class(locked[change.after.id], change.after)
    ]


def _write_promo_codes(
    connection: Connection, codes: Sequence[PromoCodeRow], locked: Mapping[str, StoredPromoCode]
) -> None:
    _refuse([sentence for code in codes for sentence in conflicts.of_promo_code(locked[code.id], code)])
    before = [locked[code.id].row for code in codes]
    update_rows(connection, tables.promo_codes, PromoCodeRow._fields, before, codes)


def _refuse(found: Sequence[str]) -> None:
    if found:
        raise CatalogueConflict(found)
