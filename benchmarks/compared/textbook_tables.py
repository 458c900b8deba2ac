"""The tables as mapped classes, for the baseline; their columns are those of the migrated tables."""

from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy.orm import DeclarativeBase, relationship

from db import tables


class Base(DeclarativeBase):
    """The mapped classes share the metadata of the migrated tables."""

    metadata = tables.metadata


class Tenant(Base):
    """Who sells."""

    __table__ = tables.tenants
    if TYPE_CHECKING:
        id: UUID
        name: str


class SigningKey(Base):
    """What signs a tenant's tickets."""

    __table__ = tables.ticket_keys
    if TYPE_CHECKING:
        id: int
        sealed_key: bytes


class Event(Base):
    """What one attends."""

    __table__ = tables.events
    if TYPE_CHECKING:
        id: UUID
        external_id: str
        currency: str
        starts_at: datetime
        ends_at: datetime
        tax_rate: Decimal | None
        tax_is_included: bool
        tax_rounding: Any


class TicketClass(Base):
    """What is sold of it."""

    __table__ = tables.ticket_classes
    event = relationship(Event, lazy="raise")
    if TYPE_CHECKING:
        id: UUID
        external_id: str
        price: Decimal
        has_seats: bool
        capacity: int
        sold: int
        held: int


class Ticket(Base):
    """One admission."""

    __table__ = tables.tickets


class OrderLine(Base):
    """A line of an order: tickets of one class."""

    __table__ = tables.order_lines
    tickets = relationship(Ticket, order_by=tables.tickets.c.id)


class Order(Base):
    """What was ordered."""

    __table__ = tables.orders
    lines = relationship(OrderLine, order_by=tables.order_lines.c.line_number)
    if TYPE_CHECKING:
        id: UUID


class EventMessage(Base):
    """What the world is told."""

    __table__ = tables.event_messages


class Unsent(Base):
    """That an event message is not sent yet."""

    __table__ = tables.outbox
