"""The tickets of an item, and what became of each (`ticketVos`)."""

from collections.abc import Mapping, Sequence
from typing import Final
from uuid import UUID

from schemas.orders import Attendee, Order, Ticket
from vendors.acme.kept import ItemEntry, TicketEntry
from vendors.acme.words import TicketStatus, moment
from vendors.dialect import Words

_NOTHING: Final = TicketEntry()


def ticket_words(
    tickets: Sequence[Ticket], entry: ItemEntry, statuses: Mapping[UUID, TicketStatus], tenant_id: str
) -> list[Words]:
    """Return the tickets of one item, in the order in which they were made."""
    entries = _entries(tickets, entry)
    return [
        _ticket(ticket, entries.get(ticket.id, _NOTHING), statuses[ticket.id], tenant_id)
        for ticket in tickets
    ]


def _ticket(ticket: Ticket, entry: TicketEntry, status: TicketStatus, tenant_id: str) -> Words:
    attendee = ticket.attendee or Attendee()
    is_told = status == "Void" and entry.ticketStatus is not None
    return {
        "id": str(ticket.id),
        "tenantId": tenant_id,
        "uuid": str(ticket.id),
        "checkInDate": moment(ticket.checked_in_at),
        "firstName": attendee.first_name,
        "lastName": attendee.last_name,
        "email": attendee.email,
        "phoneNumber": entry.phoneNumber,
        "ticketStatus": entry.ticketStatus if is_told else status,
        "printed": bool(entry.printed),
        "notes": entry.notes,
    }


def _entries(tickets: Sequence[Ticket], entry: ItemEntry) -> dict[UUID, TicketEntry]:
    by_id = {one.id: one for one in entry.tickets if one.id is not None}
    by_place = {one.place: one for one in entry.tickets if one.id is None}
    found = {}
    for place, ticket in enumerate(tickets):
        kept = by_id.get(str(ticket.id)) or by_place.get(place)
        if kept is not None:
            found[ticket.id] = kept
    return found


def statuses_of(order: Order) -> dict[UUID, TicketStatus]:
    """Return what became of each ticket.

    `Normal` admits, or has admitted. Of those that are void, `Refund`: all that the buyer had coming was
    given back; `Rebook`: a ticket that was made later stands in its place; `Void`: neither.
    """
    statuses: dict[UUID, TicketStatus] = dict.fromkeys((ticket.id for ticket in order.tickets), "Normal")
    void = [ticket for ticket in order.tickets if ticket.status == "voided"]
    is_refunded = order.totals.refunded > 0 and order.totals.balance >= 0
    for ticket in void:
        statuses[ticket.id] = "Refund" if is_refunded else "Void"
    if not is_refunded:
        for ticket in _replaced(order, void):
            statuses[ticket.id] = "Rebook"
    return statuses


def _replaced(order: Order, void: Sequence[Ticket]) -> list[Ticket]:
    """Return the void tickets in whose place a later one stands, each one in the place of one."""
    later = sorted(
        ticket.created_at
        for ticket in order.tickets
        if ticket.status != "voided" and ticket.created_at > order.created_at
    )
    earlier = sorted(void, key=lambda ticket: ticket.created_at)
    count = 0
    for made_at in later:
        if count < len(earlier) and earlier[count].created_at < made_at:
            count += 1
    return earlier[:count]
