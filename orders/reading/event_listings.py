"""The orders of one event, page by page: by position, in several sort orders, with search.

PostgreSQL counts up to an offset; here the ids at a position are found directly. Each process caches the
requested listings (`orders.reading.listing`), 20 bytes per order, and applies the changes since to each, so
that all processes return the same. A listing with many changes is read again.
"""

import time
from array import array
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Lock
from typing import Any, Final, Literal
from uuid import UUID

from sqlalchemy import Connection, select, text

from db.tables import events
from orders.reading.listing import BLOCK, Entry, Key, Listing, ListingSnapshot
from orders.reading.listing_statements import (
    ALL_BY_ID,
    ALL_BY_NAME,
    CHANGED,
    FOUND_BY_ID,
    FOUND_BY_NAME,
    KEYS,
    OLDEST_WRITER,
)
from schemas.text import parse_uuid

OrderBy = Literal["created", "name"]

SLACK: Final = timedelta(seconds=15)
"""The maximum lag of workers' clocks, which set the times of orders.

A batch that is being written while a listing is read counts from its beginning.
"""

MAX_SECONDS: Final = 600.0
"""The maximum age of a snapshot: changes that a slow clock has hidden are seen by then."""

MAX_CHANGED: Final = 4_000
_MIN_SECONDS: Final = SLACK.total_seconds()
_MAX_REMEMBERED: Final = 2_000_000
"""Maximum ids in all snapshots of a process: 40 MB."""


@dataclass(frozen=True, slots=True)
class WantedListing:
    """A listing: all orders of an event, or those with `search` in the buyer's name or e-mail address."""

    tenant_id: UUID
    event_id: UUID
    order_by: OrderBy
    search: str = ""

    @property
    def parameters(self) -> dict[str, Any]:
        """Return the parameters of the statements in `orders.reading.listing_statements`."""
        escaped = self.search.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
        return {"tenant_id": self.tenant_id, "event_id": self.event_id, "pattern": f"%{escaped}%"}


@dataclass(slots=True)
class _Remembered:
    lock: Lock = field(default_factory=Lock)
    snapshot: ListingSnapshot | None = None
    since: datetime | None = None
    made_at: float = 0.0
    """By the process's monotonic clock."""


class EventOrders:
    """Finds pages of listings, for all threads of one process."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._remembered: OrderedDict[WantedListing, _Remembered] = OrderedDict()

    def page(
        self,
        connection: Connection,
        wanted: WantedListing,
        position: int,
        rows: int,
        *,
        descending: bool,
        now: datetime,
    ) -> tuple[list[UUID], int]:
        """Return the ids at the positions, counted from 0, and the number of all orders."""
        # Generic plans would not use that few orders changed recently, or match the search.
        connection.execute(text("SET LOCAL plan_cache_mode = force_custom_plan"))
        listing = self._listing(connection, wanted, now)
        start, stop = position, position + rows
        if descending:
            start, stop = len(listing) - stop, len(listing) - start
        ids = listing.page(start, stop, lambda ids: _keys_of(connection, wanted.order_by, ids))
        connection.execute(text("SET LOCAL plan_cache_mode TO DEFAULT"))
        return (ids[::-1] if descending else ids), len(listing)

    def _listing(self, connection: Connection, wanted: WantedListing, now: datetime) -> Listing:
        known = self._remember(wanted)
        # One thread reads a listing, the others wait for it.
        with known.lock:
            age = time.monotonic() - known.made_at
            if known.snapshot is None or known.since is None or age > MAX_SECONDS:
                return self._read(connection, wanted, known, now)
            changed = _changed(connection, wanted, known.since)
            if len(changed) > MAX_CHANGED and age > _MIN_SECONDS:
                return self._read(connection, wanted, known, now)
            return Listing(known.snapshot, changed)

    def _read(
        self, connection: Connection, wanted: WantedListing, known: _Remembered, now: datetime
    ) -> Listing:
        # Asked first: who commits after that, and before the listing is read, is in both.
        began = connection.scalars(OLDEST_WRITER).one()
        known.snapshot = _snapshot(connection, wanted)
        known.since, known.made_at = min(now, began or now) - SLACK, time.monotonic()
        self._forget_oldest()
        return Listing(known.snapshot, ())

    def _remember(self, wanted: WantedListing) -> _Remembered:
        with self._lock:
            known = self._remembered.setdefault(wanted, _Remembered())
            self._remembered.move_to_end(wanted)
            return known

    def _forget_oldest(self) -> None:
        with self._lock:
            # A listing counts for more than its ids, so that empty ones are forgotten, too.
            sizes = {wanted: 1_000 + len(one.snapshot or ()) for wanted, one in self._remembered.items()}
            total = sum(sizes.values())
            while total > _MAX_REMEMBERED and len(self._remembered) > 1:
                wanted, _ = self._remembered.popitem(last=False)
                total -= sizes[wanted]


def find_event(connection: Connection, tenant_id: UUID, name: str) -> Any | None:
    """Return the row of the tenant's event with this id, the catalogue's or ours, or None."""
    query = select(events.c.id, events.c.external_id, events.c.starts_at, events.c.timezone)
    query = query.where(events.c.tenant_id == tenant_id)
    row = connection.execute(query.where(events.c.external_id == name)).one_or_none()
    id_ = parse_uuid(name)
    if row is None and id_ is not None:
        row = connection.execute(query.where(events.c.id == id_)).one_or_none()
    return row


def _snapshot(connection: Connection, wanted: WantedListing) -> ListingSnapshot:
    if wanted.order_by == "created" and not wanted.search:
        ids = bytes(connection.execute(ALL_BY_ID, wanted.parameters).scalar_one() or b"")
        return ListingSnapshot(ids, [("", "", ids[at : at + 16]) for at in range(0, len(ids), 16 * BLOCK)])
    by_name = ALL_BY_NAME if not wanted.search else FOUND_BY_NAME
    statement = FOUND_BY_ID if wanted.order_by == "created" else by_name
    row = connection.execute(statement, wanted.parameters).one()
    ids = bytes(row.ids or b"")
    places = array("i")
    places.frombytes(bytes(row.places or b""))
    places.byteswap()  # from the network's order
    starts = range(0, len(ids), 16 * BLOCK)
    names = zip(row.last_names or (), row.first_names or (), starts, strict=True)
    return ListingSnapshot(ids, [(last, first, ids[at : at + 16]) for last, first, at in names], places)


def _changed(connection: Connection, wanted: WantedListing, since: datetime) -> list[Entry]:
    return [
        Entry(_key(wanted.order_by, row), row.is_found)
        for row in connection.execute(CHANGED, {**wanted.parameters, "since": since})
    ]


def _keys_of(connection: Connection, order_by: OrderBy, ids: Sequence[bytes]) -> Iterable[Key]:
    if order_by == "created":
        return [("", "", id_) for id_ in ids]
    rows = connection.execute(KEYS, {"ids": [UUID(bytes=id_) for id_ in ids]})
    return [_key(order_by, row) for row in rows]


def _key(order_by: OrderBy, row: Any) -> Key:
    return ("", "", row.id.bytes) if order_by == "created" else (row.last_name, row.first_name, row.id.bytes)
