"""Makes the texts of documents from an order and its background."""

from collections.abc import Mapping
from typing import Final

from intake.documents.drawing.facts import EventText, Labelled, LineText, OrderText, TicketState, TicketText
from intake.documents.drawing.moments import moment_of, period_of, zone_of
from intake.documents.drawing.wording import address_lines, clean, joined, money, name_of
from orders.reading.tickets import TicketFacts
from schemas.background import Background, EventFacts, TicketClassFacts
from schemas.order_fields import OrderStatus, PaymentStatus, TicketStatus
from schemas.orders import LineItem, Order, Ticket

_STATUS: Final[Mapping[OrderStatus, str]] = {
    "placed": "Placed",
    "cancelled": "Cancelled",
    "refunded": "Refunded",
}
_PAYMENT: Final[Mapping[PaymentStatus, str]] = {
    "unpaid": "not paid yet",
    "partially_paid": "paid in part",
    "paid": "paid",
    "refunded": "refunded",
}
_STATE: Final[Mapping[TicketStatus, TicketState]] = {
    "valid": "valid",
    "checked_in": "used",
    "voided": "voided",
}


def describe_order(order: Order, background: Background) -> OrderText:
    """Return the texts of an order's document; void tickets are left out."""
    zone = _zone_of_order(order, background)
    organisation = background.organisation
    valid_tickets = [ticket for ticket in order.tickets if ticket.status != "voided"]
    events = dict.fromkeys(line.event_id for line in order.line_items)
    return OrderText(
        code=clean(order.code),
        issuer=clean(organisation.name) or clean(background.tenant),
        issuer_lines=(
            *filter(None, [clean(organisation.entity_name)]),
            *address_lines(organisation.address),
            *filter(None, [joined((organisation.email, organisation.phone), " · ")]),
        ),
        status=_status(order),
        is_over=order.status != "placed",
        remark=_remark(order, zone),
        buyer=(
            *filter(None, (name_of(order.buyer), clean(order.buyer.company), clean(order.buyer.email))),
            *filter(None, [clean(order.buyer.phone)]),
            *address_lines(order.billing_address),
        ),
        particulars=_particulars(order, zone),
        events=tuple(describe_event(background.events[name]) for name in events),
        lines=tuple(_line(line, order, background, len(events) > 1) for line in order.line_items),
        charges=_charges(order, background),
        total=("Total", money(order.totals.total, order.currency)),
        settlement=_settlement(order),
        tickets=tuple(describe_ticket(_facts(order, ticket, background)) for ticket in valid_tickets),
        voided=len(order.tickets) - len(valid_tickets),
    )


def _facts(order: Order, ticket: Ticket, background: Background) -> TicketFacts:
    of_class = background.ticket_classes[ticket.ticket_class_id]
    return TicketFacts(ticket, of_class, background.events[of_class.event_external_id], order.code)


def describe_ticket(facts: TicketFacts) -> TicketText:
    """Return the texts of a ticket's page and of its pass."""
    ticket, of_class, event = facts.ticket, facts.ticket_class, facts.event
    state = _STATE[ticket.status]
    places = (("Section", of_class.section), ("Row", of_class.row), ("Seat", ticket.seat))
    remark = ""
    if state == "voided":
        remark = "This ticket is void and admits nobody."
    elif ticket.checked_in_at is not None:
        remark = f"Used on {moment_of(ticket.checked_in_at, event.timezone)}."
    elif ticket.code is None:
        remark = "Its code is issued when the order is paid."
    return TicketText(
        id=str(ticket.id),
        event=describe_event(event),
        ticket_class=_class_name(of_class),
        place=tuple((label, clean(value)) for label, value in places if clean(value)),
        attendee=name_of(ticket.attendee) or clean(ticket.attendee.email if ticket.attendee else None),
        state=state,
        remark=remark,
        code="" if state == "voided" else ticket.code or "",
        reference=clean(facts.order_code),
    )


def describe_event(event: EventFacts) -> EventText:
    """Return the texts about an event: its time and its place."""
    day, hours = period_of(event.starts_at, event.ends_at, event.timezone)
    venue = event.details.venue
    return EventText(
        name=clean(event.name),
        day=day,
        hours="all day" if event.details.is_full_day else hours,
        zone=zone_of(event.starts_at, event.timezone),
        venue=clean(venue.name) if venue else "",
        address=", ".join(address_lines(venue.address)) if venue else "",
    )


def _zone_of_order(order: Order, background: Background) -> str:
    """Return the time zone of the order's first event."""
    return background.events[order.line_items[0].event_id].timezone


def _status(order: Order) -> str:
    if order.status == "refunded":
        return _STATUS[order.status]
    return f"{_STATUS[order.status]}, {_PAYMENT[order.payment_status]}"


def _remark(order: Order, zone: str) -> str:
    if order.cancellation is None:
        return ""
    reason = clean(order.cancellation.reason)
    when = f"Cancelled on {moment_of(order.cancellation.cancelled_at, zone)}"
    return f"{when}: {reason}" if reason else f"{when}."


def _particulars(order: Order, zone: str) -> tuple[Labelled, ...]:
    found = (
        ("Order number", str(order.number)),
        ("Ordered on", moment_of(order.created_at, zone)),
        ("Time zone", zone_of(order.created_at, zone)),
        ("Reference", clean(order.reference)),
        ("Promo code", clean(order.promo_code)),
        ("Currency", order.currency),
    )
    return tuple((label, text) for label, text in found if text)


def _class_name(of_class: TicketClassFacts) -> str:
    return joined((of_class.name, of_class.details.variation), " – ")


def _line(line: LineItem, order: Order, background: Background, names_event: bool) -> LineText:
    of_class = background.ticket_classes[line.ticket_class_id]
    seats = [
        ticket.seat
        for ticket in order.tickets
        if ticket.line_number == line.line_number and ticket.seat and ticket.status != "voided"
    ]
    details = (
        background.events[line.event_id].name if names_event else "",
        f"section {of_class.section}" if of_class.section else "",
        f"row {of_class.row}" if of_class.row else "",
        f"seat{'s' if len(seats) > 1 else ''} {', '.join(seats)}" if 0 < len(seats) <= 20 else "",
    )
    return LineText(
        name=_class_name(of_class),
        detail=joined(details),
        quantity=str(line.quantity),
        unit_price=money(line.unit_price, order.currency),
        amount=money(line.amount, order.currency),
    )


def _charges(order: Order, background: Background) -> tuple[Labelled, ...]:
    totals = order.totals
    taxes = {clean(event.tax_name) for event in background.events.values() if event.tax_name}
    tax = f"Tax ({', '.join(sorted(taxes))})" if taxes else "Tax"
    found = [
        ("Subtotal", totals.subtotal),
        ("Shipping", totals.shipping),
        ("Service fee", totals.service_fee),
        ("Additional expense", totals.additional_expense),
        (f"{tax}, added", totals.tax),
        ("Discount", -totals.discount),
    ]
    if totals.included_tax:
        found.insert(1, (f"of which {tax}, included", totals.included_tax))
    # Zero has no sign, even in the line of the discount.
    return tuple((label, money(amount or abs(amount), order.currency)) for label, amount in found)


def _settlement(order: Order) -> tuple[Labelled, ...]:
    totals = order.totals
    found = [("Paid", totals.paid), ("Balance", totals.balance)]
    if totals.refunded:
        found.insert(1, ("Refunded", totals.refunded))
    return tuple((label, money(amount, order.currency)) for label, amount in found)
