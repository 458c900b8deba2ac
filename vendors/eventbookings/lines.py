"""Rendering line items: one per ticket, since the document shows one TICKET in each."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from schemas.background import Background, EventFacts, TicketClassFacts
from schemas.json import JsonObject
from schemas.money import ZERO
from schemas.orders import LineItem, Order, Ticket
from vendors.eventbookings.amounts import Sums
from vendors.eventbookings.links import Links
from vendors.eventbookings.tickets import references, render_ticket
from vendors.eventbookings.values import (
    address,
    amount,
    attributes,
    banners,
    in_both_zones,
    occurrence_id,
    session_id,
)
from vendors.values import spread


@dataclass(slots=True)
class _Item:
    """A ticket, or the places of a line without tickets, with its share of the order's amounts."""

    line: LineItem
    ticket: Ticket | None
    quantity: int
    reference: str = ""
    """The reference of the ticket."""
    price: Decimal = ZERO
    """The amount of its places before discounts."""
    discount: Decimal = ZERO
    other_tax: Decimal = ZERO
    tax: Decimal = ZERO
    service_fee: Decimal = ZERO
    processing_fee: Decimal = ZERO

    @property
    def subtotal(self) -> Decimal:
        """Return their amount, computed like the summary's subtotal."""
        return self.price - self.discount + self.other_tax


def line_items(
    order: Order, sums: Sums, background: Background, links: Links, *, is_complete: bool
) -> list[JsonObject]:
    """Return the line items; their amounts add up exactly to those of the order.

    A voided ticket stays, with the quantity 0 and no amounts.
    """
    items = list(_items(order))
    _share(order, sums, [item for item in items if item.quantity])
    return [
        _render_item(serial, item, order, background, links, is_complete=is_complete)
        for serial, item in enumerate(items, 1)
    ]


def _items(order: Order) -> Iterator[_Item]:
    tickets: defaultdict[int, list[Ticket]] = defaultdict(list)
    called = references(order)
    for ticket in order.tickets:
        tickets[ticket.line_number].append(ticket)
    for line in order.line_items:
        of_line = tickets[line.line_number]
        for ticket in of_line:
            yield _Item(line, ticket, int(ticket.status != "voided"), called[ticket.id])
        # A purchase for stock has places but no tickets.
        missing = line.quantity - sum(ticket.status != "voided" for ticket in of_line)
        if missing > 0 or not of_line:
            yield _Item(line, None, max(missing, 0))


def _share(order: Order, sums: Sums, items: list[_Item]) -> None:
    for line in order.line_items:
        of_line = [item for item in items if item.line is line]
        weights = [Decimal(item.quantity) for item in of_line]
        for item, price in zip(of_line, spread(line.amount, weights, order.currency), strict=True):
            item.price = price
    # The producer may have stated one tax for the order, whatever the lines' own taxes are.
    taxes = [item.line.tax * item.quantity / (item.line.quantity or 1) for item in items]
    weights = [item.price for item in items]
    shared = {
        "tax": (sums.tax, taxes if any(taxes) else weights),
        "discount": (sums.discount, weights),
        "other_tax": (sums.other_tax, weights),
        "service_fee": (sums.service_fee, weights),
        "processing_fee": (sums.processing_fee, weights),
    }
    for name, (whole, by) in shared.items():
        # Most of them are zero, which needs no fractions.
        for item, share in zip(items, spread(whole, by, order.currency) if whole else (), strict=bool(whole)):
            setattr(item, name, share)


def _render_item(
    serial: int, item: _Item, order: Order, background: Background, links: Links, *, is_complete: bool
) -> JsonObject:
    ticket_class = background.ticket_classes[item.line.ticket_class_id]
    product = _product(ticket_class, background.events[item.line.event_id])
    if item.ticket is not None:
        product["TICKET"] = render_ticket(item.reference, item.ticket, links, is_complete=is_complete)
    amounts = ("discount", "service_fee", "processing_fee", "tax", "subtotal")
    return {
        "serial": serial,
        "product": {
            "uuid": str(ticket_class.id),
            "type": ticket_class.details.kind,
            "attributes": attributes(product),
        },
        "quantity": item.quantity,
        "quantity_included": item.quantity,
        "price": amount(item.line.unit_price, order.currency),
        **{name: amount(getattr(item, name), order.currency) for name in amounts},
    }


def _product(ticket_class: TicketClassFacts, event: EventFacts) -> dict[str, Any]:
    details, venue = ticket_class.details, event.details.venue
    place = " ".join(part for part in (ticket_class.section, ticket_class.row) if part)
    return {
        "PRODUCT_NAME": ticket_class.name,
        "PRODUCT_VARIATION": details.variation or place,
        "PRODUCT_DESCRIPTION": details.description or "",
        "PRODUCT_INSTRUCTION": details.instruction or "",
        "PRODUCT_IMAGE": str(details.image or ""),
        "EVENT_NAME": event.name,
        "OCCURRENCE_UUID": occurrence_id(event),
        "SESSION_UUID": session_id(event.id),
        "SESSION_NAME": event.name,
        "EVENT_START_ON": in_both_zones(event.starts_at, event.timezone),
        "EVENT_END_ON": in_both_zones(event.ends_at, event.timezone),
        "EVENT_IMAGE": banners(event),
        "EVENT_ADDRESS": {
            "latitude": (venue and venue.latitude) or "",
            "longitude": (venue and venue.longitude) or "",
            "address": address(venue.address if venue else None),
        },
    }
