"""Rendering the tickets of an item with their statuses (`ticketVos`)."""

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from schemas.json import JsonObject
from schemas.order_fields import Attendee
from schemas.orders import Order, Ticket
from schemas.originals import PastChange
from schemas.text import parse_uuid
from vendors.acme.extras import ItemEntry, TicketEntry
from vendors.acme.values import TicketStatus, moment

_EMPTY: Final = TicketEntry()


def render_tickets(
    tickets: Sequence[Ticket], entry: ItemEntry, statuses: Mapping[UUID, TicketStatus], tenant_id: str
) -> list[JsonObject]:
    """Return the tickets of one item, in the order of their creation."""
    entries = entries_of_tickets(tickets, entry)
    return [
        _ticket(ticket, entries.get(ticket.id, _EMPTY), statuses[ticket.id], tenant_id) for ticket in tickets
    ]


def _ticket(ticket: Ticket, entry: TicketEntry, status: TicketStatus, tenant_id: str) -> JsonObject:
    attendee = ticket.attendee or Attendee()
    return {
        "id": str(ticket.id),
        "tenantId": tenant_id,
        "uuid": str(ticket.id),
        "checkInDate": moment(ticket.checked_in_at),
        "firstName": attendee.first_name,
        "lastName": attendee.last_name,
        "email": attendee.email,
        "phoneNumber": entry.phoneNumber,
        "ticketStatus": status,
        "printed": bool(entry.printed),
        "notes": entry.notes,
    }


def entries_of_tickets(tickets: Sequence[Ticket], entry: ItemEntry) -> dict[UUID, TicketEntry]:
    """Return the extras of the tickets of one item, by their ids."""
    by_id = {one.id: one for one in entry.tickets if one.id is not None}
    by_place = {one.place: one for one in entry.tickets if one.id is None}
    found = {}
    for place, ticket in enumerate(tickets):
        stored = by_id.get(str(ticket.id)) or by_place.get(place)
        if stored is not None:
            found[ticket.id] = stored
    return found


def statuses_of(
    order: Order, changes: Sequence[PastChange], stated: Mapping[UUID, TicketStatus]
) -> dict[UUID, TicketStatus]:
    """Return the status of each ticket, from the changes, or as a client stated it.

    A `Normal` ticket is valid or was used. A voided ticket is `Rebook` if the change that voided it issued
    another ticket in its place, `Refund` if money was refunded since and nothing is owed for it any more, and
    otherwise `Void`.
    """
    statuses: dict[UUID, TicketStatus] = dict.fromkeys((ticket.id for ticket in order.tickets), "Normal")
    tickets = {ticket.id: ticket for ticket in order.tickets}
    is_void = {ticket.id for ticket in order.tickets if ticket.status == "voided"}
    for id_ in is_void:
        statuses[id_] = "Void"
    refunds = [_is_refund(change) for change in changes]
    for place, change in enumerate(changes):
        gone = [tickets[id_] for id_ in _voided(change) if id_ in is_void]
        if gone:
            made = [tickets[id_] for id_ in _issued(change) if id_ in tickets]
            replaced = _replaced([one for one in gone if stated.get(one.id) not in ("Void", "Refund")], made)
            is_refunded = any(refunds[place:]) or (order.totals.refunded > 0 and _comes_out_even(change))
            for ticket in gone:
                is_rebooked = ticket.id in replaced
                statuses[ticket.id] = "Rebook" if is_rebooked else "Refund" if is_refunded else "Void"
    for id_ in is_void:
        # A client's Rebook or Refund takes precedence; a ticket that it states as Void may still be a Refund.
        if stated.get(id_) in ("Rebook", "Refund"):
            statuses[id_] = stated[id_]
    return statuses


def _voided(change: PastChange) -> Iterator[UUID]:
    for field in change.fields:
        if field["to"] == "voided" and (id_ := _ticket_id(field["field"], ".status")):
            yield id_


def _issued(change: PastChange) -> Iterator[UUID]:
    for field in change.fields:
        if field["from"] is None and (id_ := _ticket_id(field["field"])):
            yield id_


def _ticket_id(path: str, end: str = "") -> UUID | None:
    if not (path.startswith("tickets.") and path.endswith(end)):
        return None
    return parse_uuid(path.removeprefix("tickets.").removesuffix(end))


def _replaced(gone: Sequence[Ticket], made: Sequence[Ticket]) -> set[UUID]:
    """Return the voided tickets that a new ticket replaces, those of the new ticket's own item first."""
    of_line: dict[int, deque[UUID]] = {}
    for ticket in gone:
        of_line.setdefault(ticket.line_number, deque()).append(ticket.id)
    replaced: set[UUID] = set()
    elsewhere = 0
    for ticket in made:
        own = of_line.get(ticket.line_number)
        if own:
            replaced.add(own.popleft())
        else:
            elsewhere += 1
    others = [ticket.id for ticket in gone if ticket.id not in replaced]
    return replaced | set(others[:elsewhere])


def _is_refund(change: PastChange) -> bool:
    """Return whether the change refunded money, and left nothing owed to the buyer."""
    refunded, balance = _field(change, "totals.refunded"), _field(change, "totals.balance")
    return refunded is not None and balance is not None and Decimal(balance["to"]) >= 0


def _comes_out_even(change: PastChange) -> bool:
    """Return whether the change settles a balance that an earlier refund had left open."""
    balance = _field(change, "totals.balance")
    return balance is not None and Decimal(balance["from"]) > 0 and Decimal(balance["to"]) == 0


def _field(change: PastChange, name: str) -> Mapping[str, Any] | None:
    return next((field for field in change.fields if field["field"] == name), None)
