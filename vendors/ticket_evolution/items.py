"""Rendering the items of an order: its lines."""

from typing import Any, Final
from zoneinfo import ZoneInfo

from schemas.background import Background, EventFacts
from schemas.json import JsonObject
from schemas.orders import LineItem, Order, Ticket
from vendors.ticket_evolution.amounts import amount_text, requested_group
from vendors.ticket_evolution.extras import stored
from vendors.ticket_evolution.people import render_address

PARTS: Final = 10_000
"""The id of an item, a shipment or a payment is the order's number times this, plus its place."""

_TICKET_STATES: Final = {"valid": "sold", "checked_in": "checked_in", "voided": "voided"}


def id_of(name: Any) -> int | str | None:
    """Return an id as an integer if it is one that JavaScript represents exactly, otherwise unchanged."""
    if isinstance(name, str) and name.isascii() and name.isdecimal() and len(name) <= 15:
        return int(name) if str(int(name)) == name else name
    return name if isinstance(name, str | int) and not isinstance(name, bool) else None


def items_of(order: Order, background: Background, extras: Any) -> list[JsonObject]:
    """Return the lines as items; a cancelled one has the quantity 0."""
    return [
        _item(order, line, background, stored(extras, "items", line.line_number - 1))
        for line in order.line_items
    ]


def _item(order: Order, line: LineItem, background: Background, requested: JsonObject) -> JsonObject:
    tickets = [ticket for ticket in order.tickets if ticket.line_number == line.line_number]
    seats = _seats(order, line, tickets, background)
    return {
        "id": order.number * PARTS + line.line_number,
        "ticket_group_id": id_of(line.ticket_class_id),
        "ticket_group": _group(line, seats, background),
        "price": amount_text(line.unit_price),
        "quantity": line.quantity,
        "tickets": [_ticket(ticket) for ticket in tickets],
        "low_seat": _lowest(seats),
        "seat_order": _text(requested.get("seat_order")),
        "ticket_hold_id": _text(requested.get("ticket_hold_id")),
        "ticket_group_signature": _text(requested.get("ticket_group_signature")),
        "requested_id": id_of(requested.get("id")),
        "requested_ticket_group": requested_group(requested.get("ticket_group")),
    }


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _seats(order: Order, line: LineItem, tickets: list[Ticket], background: Background) -> list[str]:
    """Return the seats of an item; for a purchase without tickets, those of its sale or its ticket group."""
    seats = [ticket.seat for ticket in tickets if ticket.seat is not None and ticket.status != "voided"]
    return seats or list(background.purchase_seats.get(order.id, {}).get(line.line_number, ()))


def _lowest(seats: list[str]) -> str | None:
    """Return the lowest seat if all seats are numbers, otherwise the first one, or None without seats."""
    if all(seat.isascii() and seat.isdecimal() for seat in seats):
        return min(seats, key=int, default=None)
    return seats[0]


def _group(line: LineItem, seats: list[str], background: Background) -> JsonObject:
    facts = background.ticket_classes[line.ticket_class_id]
    return {
        "id": id_of(line.ticket_class_id),
        "url": f"/ticket_groups/{line.ticket_class_id}",
        "name": facts.name,
        "section": facts.section,
        "row": facts.row,
        "seats": seats,
        "retail_price": amount_text(facts.price),
        "office_id": id_of(facts.office),
        "event": _event(background.events.get(line.event_id)),
    }


def _event(event: EventFacts | None) -> JsonObject | None:
    if event is None:
        return None
    venue = event.details.venue
    return {
        "id": id_of(event.external_id),
        "name": event.name,
        "url": f"/events/{event.external_id}",
        "occurs_at": _local(event),
        "venue": venue and {"name": venue.name, "address": render_address(venue.address)},
    }


def _local(event: EventFacts) -> str:
    return event.starts_at.astimezone(ZoneInfo(event.timezone)).isoformat(timespec="seconds")


def _ticket(ticket: Ticket) -> JsonObject:
    return {
        "id": str(ticket.id),
        "seat": ticket.seat,
        "state": _TICKET_STATES[ticket.status],
        "barcode": ticket.code,
    }
