"""What is known around orders: the words of the catalogue that dialects show beside them."""

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
    """An event as its catalogue has it; `tax_rate` is a fraction, or None without a tax rule."""

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
    """A ticket class as its catalogue has it; `price` is what one ticket costs now."""

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
    """Who sent the request that created an order, and the one that changed it last.

    Each is the id of an API key, what a producer on the queue calls itself, or None.
    """

    created_by: str | None = None
    changed_by: str | None = None


@dataclass(frozen=True, slots=True)
class RelatedOrder:
    """An order that belongs to another one; `replaced_by` are the numbers of those that replace it."""

    number: int
    status: OrderStatus
    replaced_by: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Background:
    """What is known around some orders of one tenant; events and classes by the catalogue's ids."""

    tenant_id: UUID
    tenant: str
    organisation: Organisation
    aliases: Mapping[DialectName, tuple[str, ...]] = field(default_factory=dict)
    events: Mapping[str, EventFacts] = field(default_factory=dict)
    ticket_classes: Mapping[str, TicketClassFacts] = field(default_factory=dict)
    authors: Mapping[UUID, Authors] = field(default_factory=dict)
    """By the orders' ids."""
    related: Mapping[UUID, RelatedOrder] = field(default_factory=dict)
    """Orders that belong to these, and these where they have any, by their ids."""
    purchase_seats: Mapping[UUID, Mapping[int, tuple[str, ...]]] = field(default_factory=dict)
    """The seats of purchase orders, which have no tickets, by the orders' ids and the lines' numbers."""
    originals: Mapping[UUID, Original] = field(default_factory=dict)
    """The orders as they were confirmed, by their ids; only where a dialect asks for them."""
    changes: Mapping[UUID, Sequence[PastChange]] = field(default_factory=dict)
    """What was done to the tickets and the payments of these orders, oldest first; likewise."""

    def alias(self, dialect: DialectName) -> str:
        """Return the tenant's first name in the dialect; its own where it has none."""
        return next(iter(self.aliases.get(dialect, ())), self.tenant)
