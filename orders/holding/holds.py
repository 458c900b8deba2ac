"""Holds: inventory set aside until a moment, or until it is released."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from sqlalchemy import Connection, text

from db.bulk import array
from orders.errors import HoldExpired, Invalid
from orders.inventory.seating import Seat
from orders.inventory.stock import Stock
from schemas.orders import LineItemRequest, OrderRequest

# In id order, before any ticket class is locked: whoever changes a hold then waits for its class.
_LOCK = text("""
    SELECT h.id::text, h.tenant_id::text, h.ticket_class_id::text, c.external_id, h.quantity, h.unit_price,
        h.expires_at, h.status
    FROM holds h JOIN ticket_classes c ON c.id = h.ticket_class_id
    WHERE h.id = ANY(CAST(:ids AS uuid[])) ORDER BY h.id FOR UPDATE OF h
""")

_SEATS = text("""
    SELECT hold_id::text, id::text, label, position FROM seats
    WHERE hold_id = ANY(CAST(:ids AS uuid[])) ORDER BY hold_id, position
""")

_WRITE = text("""
    INSERT INTO holds
        (id, tenant_id, ticket_class_id, quantity, unit_price, expires_at, status, order_id,
        created_at, updated_at)
    SELECT *, CAST(:now AS timestamptz), CAST(:now AS timestamptz)
    FROM unnest(
        CAST(:ids AS uuid[]), CAST(:tenant_ids AS uuid[]), CAST(:class_ids AS uuid[]),
        CAST(:quantities AS int[]), CAST(:prices AS numeric[]), CAST(:expiries AS timestamptz[]),
        CAST(:statuses AS text[]), CAST(:order_ids AS uuid[]))
    ON CONFLICT (id) DO UPDATE SET expires_at = excluded.expires_at, status = excluded.status,
        order_id = excluded.order_id, updated_at = excluded.updated_at
""")


@dataclass(slots=True)
class Hold:
    """A hold that is locked, or about to be."""

    id: str
    tenant_id: str
    ticket_class_id: str
    external_id: str
    quantity: int
    unit_price: Decimal
    expires_at: datetime | None
    status: str = "held"
    order_id: str | None = None
    seats: Sequence[Seat] = ()
    is_changed: bool = field(default=False)

    def check_usable(self, index: int) -> None:
        """Raise `HoldExpired` if another order of the batch was faster."""
        if self.status != "held":
            raise HoldExpired(f"hold {self.id} is {self.status}", f"line_items.{index}.hold_id")

    def use(self, stock: Stock, order_id: str) -> None:
        """Turn what is held into what is sold."""
        self._end("used")
        self.order_id = order_id
        stock.sell_held(self.ticket_class_id, self.quantity)
        stock.mark_seats(seat.id for seat in self.seats)

    def release(self, stock: Stock) -> None:
        """Give back what is held."""
        self._end("released")
        stock.hold(self.ticket_class_id, -self.quantity)
        if self.seats:
            stock.free_seats(self.ticket_class_id, self.seats)

    def extend(self, expires_at: datetime | None) -> None:
        """Hold until another moment."""
        self.expires_at = expires_at
        self.is_changed = True

    def _end(self, status: str) -> None:
        self.status = status
        self.is_changed = True


def lock_holds(connection: Connection, ids: Iterable[str]) -> dict[str, Hold]:
    """Lock the holds of these ids and return those that are there."""
    ids = set(ids)
    if not ids:
        return {}
    holds = {
        row.id: Hold(
            row.id,
            row.tenant_id,
            row.ticket_class_id,
            row.external_id,
            row.quantity,
            row.unit_price,
            row.expires_at,
            row.status,
        )
        for row in connection.execute(_LOCK, {"ids": array(ids)})
    }
    seats: defaultdict[str, list[Seat]] = defaultdict(list)
    for row in connection.execute(_SEATS, {"ids": array(holds)}):
        seats[row.hold_id].append(Seat(row.id, row.label, row.position))
    for hold in holds.values():
        hold.seats = seats[hold.id]
    return holds


def running(holds: Mapping[str, Hold], hold_id: str, tenant_id: str, now: datetime, field: str) -> Hold:
    """Return the tenant's hold of this id. Raises `HoldExpired` with what became of it."""
    hold = holds.get(hold_id)
    if hold is None or hold.tenant_id != tenant_id:
        raise HoldExpired(f"there is no hold {hold_id}", field)
    if hold.status != "held":
        raise HoldExpired(f"hold {hold_id} is {hold.status}", field)
    if hold.expires_at is not None and hold.expires_at <= now:
        raise HoldExpired(f"hold {hold_id} expired at {hold.expires_at.isoformat()}", field)
    return hold


def fill_in(
    order: OrderRequest, holds: Mapping[str, Hold], tenant_id: str, now: datetime
) -> tuple[OrderRequest, dict[int, Hold]]:
    """Return the order with what its lines leave to their holds, and the holds by line.

    Raises `HoldExpired`, or `Invalid` where a line contradicts its hold.
    """
    used: dict[int, Hold] = {}
    items = list(order.line_items)
    for index, item in enumerate(items):
        if item.hold_id is not None:
            field = f"line_items.{index}.hold_id"
            hold = running(holds, str(item.hold_id), tenant_id, now, field)
            if hold in used.values():
                raise Invalid(f"hold {hold.id} is named twice", field)
            used[index] = hold
            items[index] = _filled(item, hold, index)
    return (order.model_copy(update={"line_items": tuple(items)}) if used else order), used


def _filled(item: LineItemRequest, hold: Hold, index: int) -> LineItemRequest:
    if item.ticket_class_id not in ("", hold.external_id):
        raise Invalid(
            f"hold {hold.id} is of ticket class {hold.external_id}", f"line_items.{index}.ticket_class_id"
        )
    if item.quantity not in (0, hold.quantity):
        raise Invalid(f"hold {hold.id} is for {hold.quantity} tickets", f"line_items.{index}.quantity")
    if len(item.attendees) > hold.quantity:
        raise Invalid(
            f"{len(item.attendees)} attendees for {hold.quantity} tickets", f"line_items.{index}.attendees"
        )
    if item.seats or item.low_seat is not None:
        raise Invalid("the seats are those of the hold", f"line_items.{index}.seats")
    return item.model_copy(update={"ticket_class_id": hold.external_id, "quantity": hold.quantity})


def write_holds(connection: Connection, holds: Iterable[Hold], now: datetime) -> None:
    """Write new holds and changed ones."""
    changed = [hold for hold in holds if hold.is_changed]
    if changed:
        connection.execute(
            _WRITE,
            {
                "now": now,
                "ids": array(hold.id for hold in changed),
                "tenant_ids": array(hold.tenant_id for hold in changed),
                "class_ids": array(hold.ticket_class_id for hold in changed),
                "quantities": array(hold.quantity for hold in changed),
                "prices": array(hold.unit_price for hold in changed),
                "expiries": array(hold.expires_at and hold.expires_at.isoformat() for hold in changed),
                "statuses": array(hold.status for hold in changed),
                "order_ids": array(hold.order_id for hold in changed),
            },
        )
