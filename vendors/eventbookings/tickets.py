"""Rendering the ticket of a line item: its codes, pass and attendee."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID, uuid5

from schemas.json import JsonObject
from schemas.order_fields import Attendee
from schemas.orders import Order, Ticket
from vendors.eventbookings.links import Links
from vendors.eventbookings.values import attributes
from vendors.values import moment


def render_ticket(reference: str, ticket: Ticket, links: Links, *, is_complete: bool) -> JsonObject:
    """Return the value of the attribute TICKET; a ticket that admits nobody has no code."""
    return {
        "uuid": str(ticket.id),
        "code": _codes(ticket, links),
        "ticket_reference_code": reference,
        "digital_pass_url": "" if ticket.status == "voided" else links.digital_pass(ticket.id),
        "is_donation": False,
        "is_enable_qr_code": admits(ticket),
        "seat": ticket.seat or "",
        "attendee": _attendee(ticket, is_complete=is_complete),
    }


def admits(ticket: Ticket) -> bool:
    """Return whether the ticket has a code to show."""
    return ticket.code is not None and ticket.status != "voided"


def given(values: Mapping[str, Any], *, is_complete: bool) -> list[JsonObject]:
    """Return the values as attributes; null ones only if all additional information is requested."""
    return attributes({name: value for name, value in values.items() if is_complete or value is not None})


def _codes(ticket: Ticket, links: Links) -> list[JsonObject]:
    if not admits(ticket):
        return []
    return [
        {"type": "QR", "value": ticket.code, "image": links.ticket_image(ticket.id, "png")},
        {"type": "QR_SVG", "value": ticket.code, "image": links.ticket_image(ticket.id, "svg")},
    ]


def references(order: Order) -> dict[UUID, str]:
    """Return each ticket's reference: its place in the order of creation, which never changes."""
    ids = sorted(ticket.id for ticket in order.tickets)
    return {id_: f"{order.code}-{place}" for place, id_ in enumerate(ids, 1)}


def _attendee(ticket: Ticket, *, is_complete: bool) -> JsonObject:
    attendee = ticket.attendee or Attendee()
    names = {
        "FIRST_NAME": attendee.first_name,
        "LAST_NAME": attendee.last_name,
        "EMAIL": attendee.email,
    }
    status = {
        "STATUS": ticket.status,
        "CHECKED_IN_ON": ticket.checked_in_at and moment(ticket.checked_in_at),
    }
    return {
        "uuid": str(uuid5(ticket.id, "attendee")),
        "attributes": given(names, is_complete=is_complete),
        "additional_details": {
            "uuid": str(uuid5(ticket.id, "additional details")),
            "attributes": given(status, is_complete=is_complete),
        },
    }
