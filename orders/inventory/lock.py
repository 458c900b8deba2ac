"""The locks of a batch on ticket classes, promo codes and holds, and the free inventory under them.

Locks are taken in id order, holds before ticket classes before promo codes, once per batch: two batches for
the same rows must not deadlock.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Final, NamedTuple

from sqlalchemy import Connection, text

from db.bulk import array
from orders.errors import CatalogueChanged
from orders.inventory.seating import Seat
from orders.inventory.stock import Stock, StockNeeds
from orders.rows import HoldRow

_TICKET_CLASSES: Final = """
    SELECT id::text, capacity - sold - held AS free, held, has_seats
    FROM ticket_classes WHERE id = ANY(CAST(:ids AS uuid[])) ORDER BY ticket_classes.id
"""
_READ_TICKET_CLASSES: Final = text(_TICKET_CLASSES)

# NO KEY: inserts with a foreign key to the class must not wait for its buyers.
_LOCK_TICKET_CLASSES: Final = text(f"{_TICKET_CLASSES} FOR NO KEY UPDATE")

_STILL_FREE: Final = text("""
    SELECT count(*) FROM seats WHERE id = ANY(CAST(:ids AS uuid[])) AND NOT is_taken AND position IS NOT NULL
""")

_LOCK_PROMO_CODES: Final = text("""
    SELECT id::text, max_uses - used AS left
    FROM promo_codes WHERE id = ANY(CAST(:ids AS uuid[])) ORDER BY promo_codes.id FOR NO KEY UPDATE
""")

# Enough to choose neighbours from; a class may have a hundred thousand seats. One without a position is
# removed.
_FREE_SEATS: Final = text("""
    SELECT wanted.ticket_class_id::text, seat.id::text, seat.label, seat.position
    FROM unnest(CAST(:ids AS uuid[]), CAST(:counts AS int[])) AS wanted (ticket_class_id, count)
    CROSS JOIN LATERAL (
        SELECT id, label, position FROM seats
        WHERE seats.ticket_class_id = wanted.ticket_class_id AND NOT is_taken AND position IS NOT NULL
        ORDER BY position LIMIT wanted.count * 4 + 100
    ) AS seat
    UNION
    SELECT seats.ticket_class_id::text, id::text, label, position
    FROM unnest(CAST(:named_ids AS uuid[]), CAST(:labels AS text[])) AS named (ticket_class_id, label)
    JOIN seats USING (ticket_class_id, label)
    WHERE NOT is_taken AND position IS NOT NULL
""")

_HOLD: Final = """
    SELECT h.id::text, h.tenant_id::text, h.ticket_class_id::text, h.quantity, h.unit_price, h.expires_at,
        h.status, h.order_id::text, h.created_at, h.updated_at, c.external_id
    FROM holds h JOIN ticket_classes c ON c.id = h.ticket_class_id
"""

# Before any ticket class is locked: transactions that change a hold then wait for its class.
_LOCK_HOLDS: Final = text(f"""
    {_HOLD}
    JOIN unnest(CAST(:ids AS uuid[]), CAST(:tenant_ids AS uuid[])) AS named (id, tenant_id)
        ON h.id = named.id AND h.tenant_id = named.tenant_id
    ORDER BY h.id FOR UPDATE OF h
""")

# A hold that another transaction has locked is being used, extended or released there. That transaction waits
# for our locks of its class, so we must not wait for it here.
_LOCK_LATE_HOLDS: Final = text(f"""
    {_HOLD} WHERE h.ticket_class_id = ANY(CAST(:ids AS uuid[])) AND h.status = 'held' AND h.expires_at <= :now
    ORDER BY h.id FOR UPDATE OF h SKIP LOCKED
""")

_HAS_LATE_HOLDS: Final = text("""
    SELECT EXISTS (SELECT FROM holds
        WHERE ticket_class_id = ANY(CAST(:ids AS uuid[])) AND status = 'held' AND expires_at <= :now)
""")

_SEATS_OF_HOLDS: Final = text("""
    SELECT hold_id::text, id::text, label, position FROM seats
    WHERE hold_id = ANY(CAST(:ids AS uuid[])) ORDER BY hold_id, position
""")


class LockedHold(NamedTuple):
    """A hold that is locked, with the catalogue's id of its class, and its seats."""

    row: HoldRow
    external_id: str
    seats: list[Seat]


def read_stock(connection: Connection, stock: Stock, needs: StockNeeds, now: datetime) -> bool:
    """Read the free inventory into the stock, without locks: see `orders.steps.late_locks`.

    Returns False, and reads nothing, if a hold has expired: its inventory must be freed under the lock.
    """
    free: dict[str, int] = {}
    if needs.ticket_classes:
        rows = connection.execute(_READ_TICKET_CLASSES, {"ids": array(needs.ticket_classes)}).all()
        held = [row.id for row in rows if row.held]
        if held and connection.scalar(_HAS_LATE_HOLDS, {"ids": array(held), "now": now}):
            return False
        free = {row.id: row.free for row in rows}
    stock.add_loaded(free, {}, _free_seats(connection, needs))
    stock.read_only = needs
    return True


def lock_levels(connection: Connection, needs: StockNeeds) -> tuple[dict[str, int], list[str]]:
    """Lock ticket classes; return the free inventory of each, and those with held inventory.

    Raises `CatalogueChanged` if a class gained or lost its seats since the offer was read.
    """
    rows = connection.execute(_LOCK_TICKET_CLASSES, {"ids": array(needs.ticket_classes)}).all()
    if any(needs.offered.get(row.id, row.has_seats) != row.has_seats for row in rows):
        raise CatalogueChanged
    return {row.id: row.free for row in rows}, [row.id for row in rows if row.held]


def are_still_free(connection: Connection, seat_ids: Sequence[str]) -> bool:
    """Return whether all these seats are free; their classes are locked."""
    count = connection.scalar(_STILL_FREE, {"ids": array(seat_ids)}) if seat_ids else 0
    return bool(count == len(seat_ids))


def lock_stock(connection: Connection, stock: Stock, needs: StockNeeds) -> list[str]:
    """Lock the inventory that the batch may change, and read the free inventory into the stock.

    Returns the ticket classes with held inventory.
    """
    free: dict[str, int] = {}
    held: list[str] = []
    if needs.ticket_classes:
        free, held = lock_levels(connection, needs)
    stock.add_loaded(free, lock_promo_codes(connection, needs.promo_codes), _free_seats(connection, needs))
    return held


def lock_promo_codes(connection: Connection, ids: Collection[str]) -> dict[str, int | None]:
    """Lock promo codes; return the remaining uses of each (None: unlimited)."""
    rows = connection.execute(_LOCK_PROMO_CODES, {"ids": array(ids)}) if ids else ()
    return {row.id: row.left for row in rows}


def _free_seats(connection: Connection, needs: StockNeeds) -> dict[str, list[Seat]]:
    if not needs.seats:
        return {}
    rows = connection.execute(
        _FREE_SEATS,
        {
            "ids": array(needs.seats.keys()),
            "counts": array(needs.seats.values()),
            "named_ids": array(id_ for id_, _ in needs.labels),
            "labels": array(label for _, label in needs.labels),
        },
    )
    free: dict[str, list[Seat]] = {id_: [] for id_ in needs.seats}
    for row in rows:
        free[row.ticket_class_id].append(Seat(row.id, row.label, row.position))
    return free


def lock_holds(connection: Connection, named: Iterable[tuple[str, str]]) -> list[LockedHold]:
    """Lock and return the existing ones of these holds, which are named with their tenants."""
    pairs = sorted(set(named))
    parameters = {"ids": array(id_ for id_, _ in pairs), "tenant_ids": array(tenant for _, tenant in pairs)}
    return _with_seats(connection, connection.execute(_LOCK_HOLDS, parameters)) if pairs else []


def lock_late_holds(connection: Connection, class_ids: Iterable[str], now: object) -> list[LockedHold]:
    """Lock and return the expired holds of these locked classes."""
    rows = connection.execute(_LOCK_LATE_HOLDS, {"ids": array(class_ids), "now": now})
    return _with_seats(connection, rows)


def _with_seats(connection: Connection, rows: Iterable[tuple[object, ...]]) -> list[LockedHold]:
    width = len(HoldRow._fields)
    holds = [(HoldRow._make(row[:width]), str(row[width])) for row in rows]
    seats: defaultdict[str, list[Seat]] = defaultdict(list)
    if holds:
        for row in connection.execute(_SEATS_OF_HOLDS, {"ids": array(hold.id for hold, _ in holds)}):
            seats[row.hold_id].append(Seat(row.id, row.label, row.position))
    return [LockedHold(hold, external_id, seats[hold.id]) for hold, external_id in holds]
