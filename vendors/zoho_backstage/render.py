"""Orders in the Zoho Backstage dialect (Create an order, Response Structure, Field Explanations)."""

from collections import defaultdict, deque
from collections.abc import Iterator
from typing import Any, Final
from uuid import UUID

from schemas.background import Background
from schemas.json import JsonObject
from schemas.money import ZERO
from schemas.order_fields import Attendee
from schemas.orders import Order, Ticket
from vendors.values import moment, number
from vendors.zoho_backstage.codes import (
    BY_THE_EVENT,
    NO_CANCELLATION,
    ORDER_STATUS,
    ORIGIN,
    SOURCE,
    payment_status,
    payment_type,
    ticket_status,
)
from vendors.zoho_backstage.extras import NO_HOLDER_EXTRAS, holders_of, ticket_lines
from vendors.zoho_backstage.people import address_of, billing_address, creator, holder, modifier, purchaser
from vendors.zoho_backstage.prices import TicketPrice, fees, ticket_prices

_PLACES: Final = 1_000_000
"""A ticket's id is the order's number times this, plus its place: a 64-bit number, like the vendor's."""


def answer(order: Order, background: Background) -> JsonObject:
    """Return every field of the sample response."""
    return {
        "id": str(order.number),
        "order_by": address_of(order),
        "status": ORDER_STATUS[order.status],
        "status_string": order.status,
        **payment_type(order),
        "source": SOURCE[0],
        "source_string": SOURCE[1],
        "billing_address": billing_address(order),
        "refund_policy": _refund_policy(order, background),
        "origin": ORIGIN[0],
        "origin_string": ORIGIN[1],
        **payment_status(order),
        "contact": purchaser(order),
        "created_by": creator(order, background),
        "created_time": moment(order.created_at),
        "last_modified_by": modifier(order, background),
        "last_modified_time": moment(order.updated_at),
        "cost": _cost(order, background),
        "tickets": _tickets(order, background),
    }


def _refund_policy(order: Order, background: Background) -> int:
    events = [background.events[line.event_id] for line in order.line_items]
    return BY_THE_EVENT if any(event.details.cancellation for event in events) else NO_CANCELLATION


def _cost(order: Order, background: Background) -> JsonObject:
    totals = order.totals
    # A line without tax has a rule without tax, or the producer stated the order's tax, which has no rule.
    taxed = [background.events[line.event_id] for line in order.line_items if line.tax]
    rates = {event.tax_rate for event in taxed}
    names = {event.tax_name for event in taxed}
    rate = rates.pop() if len(rates) == 1 else None
    return {
        "sub_total": number(totals.subtotal),
        "discount": number(totals.discount),
        "service_fee": number(fees(order)),
        "tax": number(totals.tax),
        "tax_percent": number((rate or ZERO) * 100),
        "total": number(totals.total),
        "tax_name": names.pop() if len(names) == 1 else None,
        "promo_code": order.promo_code,
        "discount_applied": number(totals.discount) if totals.discount else None,
    }


def _tickets(order: Order, background: Background) -> list[JsonObject]:
    prices, ids, holders = ticket_prices(order, background), _ticket_ids(order), holders_of(order)
    created_by, changed_by = creator(order, background), modifier(order, background)
    return [
        {
            "id": ids[ticket.id],
            **_price(order, ticket, prices.get(ticket.id)),
            **ticket_status(order, ticket),
            **payment_status(order),
            "ticket_name": background.ticket_classes[ticket.ticket_class_id].name,
            "ticket_class_id": ticket.ticket_class_id,
            "issue_ticket": ticket.code is not None and ticket.status != "voided",
            "contact": holder(order, ticket.attendee or Attendee(), holders.get(ticket.id, NO_HOLDER_EXTRAS)),
            "created_by": created_by,
            "created_time": moment(ticket.created_at),
            "last_modified_by": created_by if ticket.status == "valid" else changed_by,
            "last_modified_time": moment(_changed_at(order, ticket)),
        }
        for ticket in _as_called(order)
    ]


def _ticket_ids(order: Order) -> dict[UUID, str]:
    """Return the tickets' ids: the order's number and the ticket's place.

    Later tickets sort after existing ones, so a ticket's place never changes.
    """
    ids = sorted(ticket.id for ticket in order.tickets)
    return {id_: str(order.number * _PLACES + place) for place, id_ in enumerate(ids, 1)}


def _price(order: Order, ticket: Ticket, price: TicketPrice | None) -> JsonObject:
    """Return the ticket's price; a voided ticket has none, and nothing to be paid."""
    line = next(line for line in order.line_items if line.line_number == ticket.line_number)
    discount = price.discount if price else ZERO
    return {
        "base_price": number(price.base if price else line.unit_price),
        "discount": number(discount),
        "service_fee": number(price.service_fee if price else ZERO),
        "tax": number(price.tax if price else ZERO),
        "total": number(price.total if price else ZERO),
        "promo_code": order.promo_code,
        "discount_applied": number(discount) if discount else None,
    }


def _changed_at(order: Order, ticket: Ticket) -> Any:
    if ticket.status == "valid":
        return ticket.created_at
    return ticket.checked_in_at or order.updated_at


def _as_called(order: Order) -> Iterator[Ticket]:
    """Yield the tickets in the order of the call; later tickets come last."""
    waiting: defaultdict[int, deque[Ticket]] = defaultdict(deque)
    for ticket in order.tickets:
        waiting[ticket.line_number].append(ticket)
    for line_number in ticket_lines(order):
        if isinstance(line_number, int) and waiting.get(line_number):
            yield waiting[line_number].popleft()
    for tickets in waiting.values():
        yield from tickets
