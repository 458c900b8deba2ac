"""Reads what documents show, and whose it is: the links name no key, so that the row says which tenant's."""

from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Connection, Row, select

from db.tables import orders, tickets
from db.tenant_secrets import open_secret, sealed_secret
from intake.documents.drawing.describe import describe_order, describe_ticket
from intake.documents.drawing.facts import OrderText, TicketText
from orders.reading.background import get_with_background
from orders.reading.safe_rendering import showing
from orders.reading.tickets import get_ticket

_DOCUMENTS: Final = "documents"


@dataclass(frozen=True, slots=True)
class Owner:
    """A document's tenant, the secret of its links, and its order."""

    tenant_id: UUID
    secret: bytes = field(repr=False)
    order_id: UUID
    order_code: str
    code: str = field(default="", repr=False)
    """Of a ticket that is not void: what its QR code says."""
    is_void: bool = False
    """Whether it is about a void ticket, which has no links any more."""


def find_owner_of_order(connection: Connection, order_id: UUID) -> Owner | None:
    """Return the order's owner, or None if the order does not exist."""
    key = sealed_secret(orders.c.tenant_id, "links").label("key")
    columns = (orders.c.tenant_id, orders.c.id.label("order_id"), orders.c.code.label("order_code"), key)
    query = select(*columns).where(orders.c.id == order_id)
    return _owner(connection.execute(query).one_or_none())


def find_owner_of_ticket(connection: Connection, ticket_id: UUID) -> Owner | None:
    """Return the ticket's owner, or None if the ticket does not exist."""
    key = sealed_secret(orders.c.tenant_id, "links").label("key")
    query = (
        select(
            orders.c.tenant_id,
            tickets.c.order_id,
            orders.c.code.label("order_code"),
            tickets.c.code,
            tickets.c.status,
            key,
        )
        .join(orders, orders.c.id == tickets.c.order_id)
        .where(tickets.c.id == ticket_id)
    )
    row = connection.execute(query).one_or_none()
    if row is None or row.status != "voided":
        return _owner(row, "" if row is None else row.code or "")
    return _owner(row, is_void=True)


def _owner(row: Row[Any] | None, code: str = "", *, is_void: bool = False) -> Owner | None:
    if row is None or row.key is None:
        return None
    secret = open_secret(row.key, row.tenant_id, "links")
    return Owner(row.tenant_id, secret, row.order_id, row.order_code, code, is_void)


@dataclass(frozen=True, slots=True)
class OrderDocument:
    """What an order's PDF is made of; `zones` are the time zones of its events."""

    text: OrderText
    zones: tuple[str, ...]


def read_order_document(connection: Connection, tenant_id: UUID, order_id: UUID) -> OrderDocument | None:
    """Return what the PDF of the tenant's order is made of, or None. Raises `OrderNotShown`."""
    with showing(order_id, _DOCUMENTS):
        found = get_with_background(connection, order_id, tenant_id)
        if found is None:
            return None
        order, background = found
        zones = dict.fromkeys(event.timezone for event in background.events.values())
        return OrderDocument(describe_order(order, background), tuple(zones))


def read_ticket(connection: Connection, owner: Owner, ticket_id: UUID) -> TicketText | None:
    """Return what the pass of the owner's ticket says, or None. Raises `OrderNotShown`."""
    with showing(owner.order_id, _DOCUMENTS):
        found = get_ticket(connection, ticket_id, owner.tenant_id)
        return None if found is None else describe_ticket(found)
