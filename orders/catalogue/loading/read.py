"""Reading the stored objects of a file, a page at a time, with or without locks.

Expired holds count as free here, as wherever inventory is taken.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Final, NamedTuple

from sqlalchemy import Connection, text

from db.bulk import array
from db.columns import columns_of
from orders.rows import CatalogueClassRow, CatalogueEventRow, PromoCodeRow

_EVENT: Final = columns_of(CatalogueEventRow, "events", "e")
_CLASS: Final = columns_of(CatalogueClassRow, "ticket_classes", "c")
_PROMO_CODE: Final = columns_of(PromoCodeRow, "promo_codes", "p")

_NAMED: Final = "unnest(CAST(:names AS text[])) AS named (name)"

# LIMIT makes each name a look-up by its key: with outdated statistics, a join would read all objects of the
# tenant, for each page or even for each name.
_EVENTS: Final = text(f"""
    SELECT {_EVENT} FROM {_NAMED}
    CROSS JOIN LATERAL (
        SELECT * FROM events WHERE tenant_id = CAST(:tenant_id AS uuid) AND external_id = named.name LIMIT 1
    ) AS e
""")  # noqa: S608 - made of our own names

_HAS_SOLD: Final = text("""
    SELECT EXISTS (
        SELECT FROM ticket_classes c
        WHERE tenant_id = CAST(:tenant_id AS uuid) AND event_id = CAST(:event_id AS uuid)
            AND (sold > 0 OR held > 0 AND EXISTS (
                SELECT FROM holds h WHERE h.ticket_class_id = c.id AND status = 'held'
                    AND (expires_at IS NULL OR expires_at > :now))))
""")

_CLASSES: Final = text(f"""
    SELECT {_CLASS}, c.sold + c.held - COALESCE(late.quantity, 0), e.external_id
    FROM {_NAMED}
    CROSS JOIN LATERAL (
        SELECT * FROM ticket_classes
        WHERE tenant_id = CAST(:tenant_id AS uuid) AND external_id = named.name LIMIT 1
    ) AS c
    JOIN events e ON e.id = c.event_id
    LEFT JOIN LATERAL (
        SELECT sum(quantity)::int AS quantity FROM holds
        WHERE c.held > 0 AND ticket_class_id = c.id AND status = 'held' AND expires_at <= :now
    ) AS late ON true
""")  # noqa: S608

# NO KEY, like sales: inserts with a foreign key to the class must not wait. In the order of the ids.
_LOCK_CLASSES: Final = f"""
    SELECT {_CLASS}, c.sold + c.held, e.external_id
    FROM ticket_classes c JOIN events e ON e.id = c.event_id
    WHERE c.id = ANY(CAST(:ids AS uuid[])) ORDER BY c.id FOR NO KEY UPDATE OF c
"""  # noqa: S608

_CLASSES_OF_EVENT: Final = text("""
    SELECT id::text FROM ticket_classes
    WHERE tenant_id = CAST(:tenant_id AS uuid) AND event_id = CAST(:event_id AS uuid)
""")

_SEATS: Final = text("""
    SELECT s.ticket_class_id::text, s.id::text, s.label, s.position, s.is_taken AND h.id IS NULL
    FROM seats s LEFT JOIN holds h ON h.id = s.hold_id AND h.status = 'held' AND h.expires_at <= :now
    WHERE s.ticket_class_id = ANY(CAST(:ids AS uuid[]))
""")

_PROMO_CODES: Final = text(f"""
    SELECT {_PROMO_CODE}, p.used FROM promo_codes p WHERE p.event_id = ANY(CAST(:ids AS uuid[]))
""")  # noqa: S608

_LOCK_PROMO_CODES: Final = f"""
    SELECT {_PROMO_CODE}, p.used FROM promo_codes p
    WHERE p.id = ANY(CAST(:ids AS uuid[])) ORDER BY p.id FOR NO KEY UPDATE
"""  # noqa: S608


class StoredClass(NamedTuple):
    """A ticket class in the database; `taken` is the number of its sold or held tickets."""

    row: CatalogueClassRow
    taken: int
    event_external_id: str


class StoredPromoCode(NamedTuple):
    """A promo code in the database, with the number of its uses."""

    row: PromoCodeRow
    used: int


class StoredSeat(NamedTuple):
    """A seat in the database; without a position it is removed."""

    id: str
    label: str
    position: int | None
    is_taken: bool


def read_events(connection: Connection, tenant_id: str, names: Iterable[str]) -> dict[str, CatalogueEventRow]:
    """Return the existing ones of the events, by their names in the file."""
    rows = connection.execute(_EVENTS, {"tenant_id": tenant_id, "names": array(names)})
    return {event.external_id: event for event in map(CatalogueEventRow._make, rows)}


def has_sold(connection: Connection, event: CatalogueEventRow, now: datetime) -> bool:
    """Return whether tickets of the event are sold or held."""
    parameters = {"tenant_id": event.tenant_id, "event_id": event.id, "now": now}
    return bool(connection.scalar(_HAS_SOLD, parameters))


def read_classes(
    connection: Connection, tenant_id: str, names: Iterable[str], now: datetime
) -> dict[str, StoredClass]:
    """Return the existing ones of the ticket classes, by their names in the file."""
    parameters = {"tenant_id": tenant_id, "names": array(names), "now": now}
    found = map(_stored_class, connection.execute(_CLASSES, parameters))
    return {stored.row.external_id: stored for stored in found}


def classes_of_event(connection: Connection, event: CatalogueEventRow) -> list[str]:
    """Return the ids of all ticket classes of an event, whether the file names them or not."""
    parameters = {"tenant_id": event.tenant_id, "event_id": event.id}
    return list(connection.scalars(_CLASSES_OF_EVENT, parameters))


def lock_classes(connection: Connection, ids: Iterable[str], *, waits: bool) -> dict[str, StoredClass]:
    """Lock ticket classes and return them by their ids: all, or those that are not locked."""
    statement = text(_LOCK_CLASSES + ("" if waits else " SKIP LOCKED"))
    found = map(_stored_class, connection.execute(statement, {"ids": array(ids)}))
    return {stored.row.id: stored for stored in found}


def read_seats(
    connection: Connection, class_ids: Collection[str], now: datetime
) -> dict[str, list[StoredSeat]]:
    """Return all seats of these ticket classes, including removed ones, by the class."""
    seats: defaultdict[str, list[StoredSeat]] = defaultdict(list)
    if class_ids:
        for class_id, *seat in connection.execute(_SEATS, {"ids": array(class_ids), "now": now}):
            seats[class_id].append(StoredSeat._make(seat))
    return seats


def read_promo_codes(
    connection: Connection, event_ids: Collection[str]
) -> dict[tuple[str, str], StoredPromoCode]:
    """Return the promo codes of these events, by the event's id and the code's key."""
    rows = connection.execute(_PROMO_CODES, {"ids": array(event_ids)})
    found = [_stored_promo_code(row) for row in rows]
    by_key = {(stored.row.event_id, stored.row.key): stored for stored in found}
    # Older events may have two spellings of one code.
    return by_key | {(stored.row.event_id, stored.row.code): stored for stored in found}


def lock_promo_codes(
    connection: Connection, ids: Iterable[str], *, waits: bool
) -> dict[str, StoredPromoCode]:
    """Lock promo codes and return them by their ids: all, or those that are not locked."""
    statement = text(_LOCK_PROMO_CODES + ("" if waits else " SKIP LOCKED"))
    found = map(_stored_promo_code, connection.execute(statement, {"ids": array(ids)}))
    return {stored.row.id: stored for stored in found}


def _stored_class(columns: Iterable[object]) -> StoredClass:
    *row, taken, event_external_id = columns
    return StoredClass(CatalogueClassRow._make(row), taken, event_external_id)  # type: ignore[arg-type]


def _stored_promo_code(columns: Iterable[object]) -> StoredPromoCode:
    *row, used = columns
    return StoredPromoCode(PromoCodeRow._make(row), used)  # type: ignore[arg-type]
