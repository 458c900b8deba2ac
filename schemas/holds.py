"""Requests on holds: `holds.take`, `holds.extend`, `holds.release`."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from schemas.money import Amount
from schemas.order_fields import Id, Moment, Quantity, SeatOrder, Seats
from schemas.text import IdempotencyKey, Identifier, ShortText, WireModel


class HoldRequest(WireModel):
    """`holds.take`: hold tickets or named seats until `expires_at`; without it, until they are released.

    The hold's id is the id of this request.
    """

    idempotency_key: IdempotencyKey | None = None
    ticket_class_id: Identifier
    quantity: Quantity = 0
    seats: Seats = ()
    low_seat: ShortText | None = None
    seat_order: SeatOrder = "consecutive"
    unit_price: Amount | None = None
    expires_at: Moment | None = None


class ExtendRequest(WireModel):
    """`holds.extend`: hold until another moment; without one, until the hold is released."""

    idempotency_key: IdempotencyKey | None = None
    hold_id: Id
    expires_at: Moment | None = None


class ReleaseRequest(WireModel):
    """`holds.release`: free the inventory again."""

    idempotency_key: IdempotencyKey | None = None
    hold_id: Id


class Hold(WireModel):
    """A hold and its status."""

    id: UUID
    ticket_class_id: str
    quantity: int
    seats: tuple[str, ...]
    unit_price: Amount
    expires_at: datetime | None
    status: Literal["held", "used", "released", "expired"]
    order_id: UUID | None
    created_at: datetime
