"""Reading what is known around orders: the tenant, and the events and ticket classes of their lines."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any, get_args
from uuid import UUID

from sqlalchemy import Connection, select

from db.tables import events, tenant_aliases, tenants, ticket_classes
from orders.reading.history import read_authors
from orders.reading.orders import get_order
from orders.reading.originals import read_originals
from orders.reading.relations import read_related
from orders.render import Words, to_json
from schemas.background import Background, EventFacts, TicketClassFacts
from schemas.dialects import DialectName
from schemas.orders import Order
from schemas.presentation import EventDetails, Organisation, TicketClassDetails


def get_with_background(
    connection: Connection, order_id: UUID, tenant_id: UUID
) -> tuple[Order, Background] | None:
    """Return the tenant's order and what is known around it, or None."""
    words = get_order(connection, order_id, tenant_id)
    if words is None:
        return None
    (order,), background = with_background(connection, tenant_id, [words])
    return order, background


def with_background(
    connection: Connection, tenant_id: UUID, found: Iterable[Words], *, with_originals: bool = False
) -> tuple[list[Order], Background]:
    """Return orders that were read, as their model, and what is known around them."""
    orders = [Order.model_validate_json(to_json(words)) for words in found]
    return orders, read_background(connection, tenant_id, orders, with_originals=with_originals)


def read_background(
    connection: Connection, tenant_id: UUID, orders: Sequence[Order], *, with_originals: bool = False
) -> Background:
    """Return what is known around these orders of one tenant: a few statements, however many they are."""
    tenant = connection.execute(
        select(tenants.c.name, tenants.c.organisation).where(tenants.c.id == tenant_id)
    ).one()
    aliases: defaultdict[DialectName, list[str]] = defaultdict(list)
    query = select(tenant_aliases).where(tenant_aliases.c.tenant_id == tenant_id)
    for row in connection.execute(query.order_by(tenant_aliases.c.dialect, tenant_aliases.c.alias)):
        if row.dialect in get_args(DialectName):
            aliases[row.dialect].append(row.alias)
    originals = read_originals(connection, [order.id for order in orders]) if with_originals else {}
    names = {line.ticket_class_id for order in orders for line in order.line_items}
    classes = _ticket_classes(connection, tenant_id, names)
    return Background(
        tenant_id,
        tenant.name,
        Organisation.model_validate(tenant.organisation or {}),
        {dialect: tuple(found) for dialect, found in aliases.items()},
        {row.event_external_id: _event(row) for row in classes},
        {row.external_id: _ticket_class(row) for row in classes},
        read_authors(connection, [order.id for order in orders]),
        read_related(connection, orders),
        originals=originals,
    )


def read_ticket_class(
    connection: Connection, tenant_id: UUID, name: str
) -> tuple[TicketClassFacts, EventFacts]:
    """Return the tenant's ticket class of this id of the catalogue, and its event."""
    (row,) = _ticket_classes(connection, tenant_id, {name})
    return _ticket_class(row), _event(row)


def _ticket_classes(connection: Connection, tenant_id: UUID, names: set[str]) -> Sequence[Any]:
    if not names:
        return []
    query = (
        select(
            ticket_classes,
            events.c.external_id.label("event_external_id"),
            events.c.name.label("event_name"),
            events.c.details.label("event_details"),
            *(events.c[name] for name in ("starts_at", "ends_at", "timezone", "currency")),
            *(events.c[name] for name in ("tax_name", "tax_rate", "tax_is_included")),
        )
        .join(events, events.c.id == ticket_classes.c.event_id)
        .where(ticket_classes.c.tenant_id == tenant_id, ticket_classes.c.external_id.in_(sorted(names)))
    )
    return connection.execute(query).all()


def _event(row: Any) -> EventFacts:
    return EventFacts(
        row.event_id,
        row.event_external_id,
        row.event_name,
        row.starts_at,
        row.ends_at,
        row.timezone,
        row.currency,
        row.tax_name,
        row.tax_rate,
        row.tax_is_included,
        EventDetails.model_validate(row.event_details or {}),
    )


def _ticket_class(row: Any) -> TicketClassFacts:
    return TicketClassFacts(
        row.id,
        row.external_id,
        row.event_external_id,
        row.name,
        row.section,
        row.row,
        row.price,
        row.office,
        TicketClassDetails.model_validate(row.details or {}),
    )
