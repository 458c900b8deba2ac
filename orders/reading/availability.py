"""The availability of an event, read without locks: the next buyer may change it."""

from datetime import datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import Connection, text

from orders.catalogue.load_tenants import load_tenants
from orders.catalogue.prices import EventOffer, TicketClassOffer
from orders.inventory.signatures import sign_group
from schemas.json import JsonObject

# Expired holds count as free, even before the sweep ends them.
_CLASSES = text("""
    SELECT c.id::text, c.external_id, c.name, c.section, c.row, c.price, c.has_seats, c.capacity,
        c.capacity - c.sold - c.held + COALESCE(late.quantity, 0) AS free,
        e.id::text AS event_id, e.external_id AS event_external_id, e.currency, t.name AS tenant
    FROM events e
    JOIN tenants t ON t.id = e.tenant_id
    JOIN ticket_classes c ON c.event_id = e.id
    LEFT JOIN LATERAL (
        SELECT sum(quantity)::int AS quantity FROM holds h
        WHERE h.ticket_class_id = c.id AND h.status = 'held' AND h.expires_at <= :now
    ) late ON true
    WHERE e.tenant_id = :tenant_id AND e.external_id = :event_id
    ORDER BY c.external_id
""")


def list_ticket_classes(
    connection: Connection, tenant_id: UUID, event_id: str, *, now: datetime
) -> list[JsonObject]:
    """Return the ticket classes of an event, by the catalogue's id, with the free tickets of each.

    A sender may send `signature` as a line's `ticket_group_signature`: the order is refused if the price has
    risen by then.
    """
    rows = connection.execute(_CLASSES, {"tenant_id": tenant_id, "event_id": event_id, "now": now}).all()
    if not rows:
        return []
    secret = load_tenants(connection, [rows[0].tenant])[rows[0].tenant].group_secret
    return [
        {
            "id": row.external_id,
            "event_id": row.event_external_id,
            "name": row.name,
            "section": row.section,
            "row": row.row,
            "currency": row.currency,
            "price": _amount_text(row.price),
            "capacity": row.capacity,
            "free": row.free,
            "has_seats": row.has_seats,
            "signature": sign_group(
                secret,
                TicketClassOffer(
                    row.id,
                    row.external_id,
                    EventOffer(row.event_id, row.event_external_id, row.currency, None),
                    row.price,
                    row.has_seats,
                ),
                row.free,
            ),
        }
        for row in rows
    ]


def _amount_text(price: Decimal) -> str:
    return format(price, "f")
