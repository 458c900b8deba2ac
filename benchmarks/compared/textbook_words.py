"""The whole order in the words of the wire, made of the baseline's mapped objects."""

from collections.abc import Sequence
from typing import Any

from benchmarks.compared.textbook_tables import Tenant, TicketClass
from schemas import orders as wire
from schemas.order_fields import Address, Attendee, Buyer
from schemas.text import WireModel


def order_words(tenant: Tenant, order: Any, ticket_classes: Sequence[TicketClass]) -> dict[str, Any]:
    """Return the order as JSON values; `ticket_classes` has the class of each line."""
    pairs = list(zip(order.lines, ticket_classes, strict=True))
    words = wire.Order(
        tenant=tenant.name,
        buyer=Buyer(**_named(order, "buyer_", Buyer)),
        billing_address=order.billing_address and Address(**order.billing_address),
        line_items=tuple(_line(line, ticket_class) for line, ticket_class in pairs),
        totals=_totals(order),
        tickets=tuple(
            _ticket(ticket, line, ticket_class) for line, ticket_class in pairs for ticket in line.tickets
        ),
        payments=(),
        notes=(),
        check_in=wire.CheckIn(
            status="not_checked_in", checked_in=0, tickets=sum(len(line.tickets) for line in order.lines)
        ),
        cancellation=None,
        fraud_check=None,
        trade=None,
        **{name: getattr(order, name) for name in _PLAIN},
    )
    return words.model_dump(mode="json")


_PLAIN = (
    "id",
    "number",
    "code",
    "status",
    "payment_status",
    "version",
    "idempotency_key",
    "event_id",
    "currency",
    "payment_due_at",
    "promo_code",
    "reference",
    "extras",
    "created_at",
    "updated_at",
)


def _named(row: object, prefix: str, model: type[WireModel]) -> dict[str, Any]:
    return {name: getattr(row, prefix + name) for name in model.model_fields}


def _totals(order: Any) -> wire.Totals:
    return wire.Totals(
        balance=order.total - order.paid + order.refunded,
        **{name: getattr(order, name) for name in wire.Totals.model_fields if name != "balance"},
    )


def _line(line: Any, ticket_class: TicketClass) -> wire.LineItem:
    attendees = (_attendee(ticket) for ticket in line.tickets)
    return wire.LineItem(
        line_number=line.line_number,
        ticket_class_id=ticket_class.external_id,
        event_id=ticket_class.event.external_id,
        quantity=line.quantity,
        unit_price=line.unit_price,
        amount=line.amount,
        tax=line.tax,
        rounding=line.rounding,
        attendees=tuple(attendee for attendee in attendees if attendee is not None),
    )


def _ticket(ticket: Any, line: Any, ticket_class: TicketClass) -> wire.Ticket:
    return wire.Ticket(
        id=ticket.id,
        line_number=line.line_number,
        ticket_class_id=ticket_class.external_id,
        seat=None,
        attendee=_attendee(ticket),
        status=ticket.status,
        code=ticket.code,
        created_at=ticket.created_at,
        checked_in_at=None,
    )


def _attendee(ticket: Any) -> Attendee | None:
    attendee = Attendee(**_named(ticket, "attendee_", Attendee))
    return attendee if any(value is not None for _, value in attendee) else None
