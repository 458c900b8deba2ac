"""Reading one ticket, at a cost that does not depend on the size of its order."""

from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Connection, text

from db.columns import columns_of
from orders.reading.catalogue_facts import read_classes
from orders.render import render_ticket, to_json
from orders.rows import TicketRow
from schemas.background import EventFacts, TicketClassFacts
from schemas.orders import Ticket

_TICKET: Final = text(f"""
    SELECT {columns_of(TicketRow, "tickets", "t")}, c.external_id, s.label, o.code
    FROM tickets t
    JOIN orders o ON o.id = t.order_id
    JOIN ticket_classes c ON c.id = t.ticket_class_id
    LEFT JOIN seats s ON s.id = t.seat_id
    WHERE t.id = :id AND o.tenant_id = :tenant_id
""")  # noqa: S608 - made of our own names


@dataclass(frozen=True, slots=True)
class TicketFacts:
    """A ticket, the ticket class that it admits to, and the code of its order."""

    ticket: Ticket
    ticket_class: TicketClassFacts
    event: EventFacts
    order_code: str


def get_ticket(connection: Connection, ticket_id: UUID, tenant_id: UUID) -> TicketFacts | None:
    """Return the tenant's ticket, or None."""
    row: Any = connection.execute(_TICKET, {"id": ticket_id, "tenant_id": tenant_id}).one_or_none()
    if row is None:
        return None
    *columns, class_name, seat, order_code = row
    body = render_ticket(TicketRow._make(columns), ticket_class_id=class_name, seat=seat)
    found = read_classes(connection, {tenant_id: {class_name}})[tenant_id, class_name]
    ticket = Ticket.model_validate_json(to_json(body))
    return TicketFacts(ticket, found.ticket_class(), found.event(), order_code)
