"""The background of orders: the catalogue's data that dialects show with them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from schemas.dialects import DialectName
from schemas.order_fields import OrderStatus
from schemas.originals import Original, PastChange
from schemas.presentation import EventDetails, Organisation, TicketClassDetails


@dataclass(frozen=True, slots=True)
class EventFacts:
    """An event as the catalogue states it; `tax_rate` is a fraction, or None without a tax rule."""

    id: UUID
    external_id: str
    name: str
    starts_at: datetime
    ends_at: datetime
    timezone: str
    currency: str
    tax_name: str | None
    tax_rate: Decimal | None
    tax_is_included: bool
    details: EventDetails


@dataclass(frozen=True, slots=True)
class TicketClassFacts:
    """A ticket class as the catalogue states it; `price` is the current price of one ticket."""

    id: UUID
    external_id: str
    event_external_id: str
    name: str
    section: str | None
    row: str | None
    price: Decimal
    office: str | None
    details: TicketClassDetails


@dataclass(frozen=True, slots=True)
class Authors:
    """The senders of the request that created an order and of its last change.

    Each is the id of an API key, the name that a producer on the queue states, or None.
    """

    created_by: str | None = None
    changed_by: str | None = None


@dataclass(frozen=True, slots=True)
class RelatedOrder:
    """An order that belongs to another one; `replaced_by` are the numbers of the orders that replace it."""

    number: int
    status: OrderStatus
    replaced_by: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Background:
    """The background of some orders of one tenant; events and classes by the catalogue's ids."""

    tenant_id: UUID
    tenant: str
    organisation: Organisation
    aliases: Mapping[DialectName, tuple[str, ...]] = field(default_factory=dict)
    events: Mapping[str, EventFacts] = field(default_factory=dict)
    ticket_classes: Mapping[str, TicketClassFacts] = field(default_factory=dict)
    authors: Mapping[UUID, Authors] = field(default_factory=dict)
    """By the orders' ids."""
    related: Mapping[UUID, RelatedOrder] = field(default_factory=dict)
    """Related orders, and the orders here that have some, by their ids."""
    purchase_seats: Mapping[UUID, Mapping[int, tuple[str, ...]]] = field(default_factory=dict)
    """The seats of purchase orders, which have no tickets, by order id and line number."""
    originals: Mapping[UUID, Original] = field(default_factory=dict)
    """The orders as they were confirmed, by their ids; only for a dialect that needs them."""
    changes: Mapping[UUID, Sequence[PastChange]] = field(default_factory=dict)
    """The changes of these orders' tickets and payments, oldest first; only for a dialect that needs them."""

    def alias(self, dialect: DialectName) -> str:
        """Return the tenant's first alias in the dialect, or its own name without one."""
        return next(iter(self.aliases.get(dialect, ())), self.tenant)
