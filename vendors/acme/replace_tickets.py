"""The tickets of an item of a PUT, each compared with the existing ticket, and the resulting quantity."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from schemas.json import JsonObject
from vendors.acme.compare import Mistakes, as_number
from vendors.acme.extras import STATED_STATUSES, TicketExtras

_FIXED: Final[Mapping[str, str]] = {
    "tenantId": "must be the tenant of the order",
    "uuid": "must equal the ticket's id",
    "checkInDate": "PUT cannot check in tickets: use POST /v1/check-ins",
}
"""Fields of a ticket that a PUT cannot change, and why."""

_NAMES: Final = ("id", "firstName", "lastName", "email", *TicketExtras.model_fields)


@dataclass(slots=True)
class Replaced:
    """A requested item with its tickets: the valid ones, and the statuses of the voided ones by id."""

    fields: JsonObject
    quantity: int | None
    live: list[JsonObject]
    gone: dict[str, str] = field(default_factory=dict)


def replaced_tickets(
    item: JsonObject, was: JsonObject, prefix: str, mistakes: Mistakes, *, others_come: bool
) -> Replaced:
    """Return the item with its tickets and its quantity, lowered by the tickets that the call voids.

    `others_come` states whether the update issues tickets, which could be mistaken for replacements of voided
    ones: then the statuses that the client stated are stored.
    """
    quantity = _count(item.get("quantity"))
    valid = [ticket for ticket in was["ticketVos"] if ticket["ticketStatus"] == "Normal"]
    if item.get("ticketVos") is None:
        return Replaced(dict(item), quantity, [_copy(ticket) for ticket in _first(valid, quantity)])
    known = {ticket["id"]: ticket for ticket in was["ticketVos"]}
    tickets = [
        _ticket(ticket, known, f"{prefix}ticketVos.{index}.", mistakes)
        for index, ticket in enumerate(item["ticketVos"])
    ]
    _check_named_once(tickets, prefix, mistakes)
    named = {ticket["id"] for ticket in tickets if ticket.get("id") is not None}
    were_valid = {ticket["id"] for ticket in valid}
    gone = {
        ticket["id"]: ticket["ticketStatus"]
        for ticket in tickets
        if ticket["ticketStatus"] != "Normal" and ticket.get("id") in were_valid
    }
    live = [ticket for ticket in tickets if ticket["ticketStatus"] == "Normal"]
    left = [ticket for ticket in valid if ticket["id"] not in named]
    quantity = _quantity(quantity, was, live, gone, prefix, mistakes)
    has_nameless = any(ticket.get("id") is None for ticket in live)
    if gone and left and has_nameless:
        mistakes.add(f"{prefix}ticketVos", "name the remaining tickets by their ids when others are voided")
    if left and not has_nameless:
        # Named by id, they keep their attendees, and are not voided instead of the ones that the call voids.
        stay = [_copy(ticket) for ticket in _first(left, quantity - len(live))]
        live, tickets = [*live, *stay], [*tickets, *stay]
    stored = [
        _stored_ticket(ticket, known, was.get(STATED_STATUSES, {}), others_come=others_come)
        for ticket in tickets
    ]
    return Replaced({**item, "ticketVos": stored, "quantity": quantity}, quantity, live, gone)


def _stored_ticket(
    ticket: JsonObject, known: Mapping[str, JsonObject], stated: Mapping[str, Any], *, others_come: bool
) -> JsonObject:
    """Return a ticket to store; only a placeholder for a void one that has no extras and no stated status.

    An order's extras have at most 64 KiB, and it may have thousands of void tickets.
    """
    named, status = known.get(ticket.get("id") or ""), ticket["ticketStatus"]
    if named is None or status == "Normal" or has_extras(ticket):
        return ticket
    is_as_read = status == named["ticketStatus"] and stated.get(named["id"]) is None
    is_plainly_void = status == "Void" and named["ticketStatus"] == "Normal" and not others_come
    return {"ticketStatus": "Void"} if is_as_read or is_plainly_void else ticket


def has_extras(ticket: Mapping[str, Any]) -> bool:
    """Return whether a ticket has extras besides its status."""
    return any(ticket.get(name) for name in TicketExtras.model_fields)


def _ticket(
    ticket: JsonObject, known: Mapping[str, JsonObject], prefix: str, mistakes: Mistakes
) -> JsonObject:
    """Return a sent ticket with its id and its status."""
    id_ = next((str(ticket[name]) for name in ("id", "uuid") if ticket.get(name) is not None), None)
    named = None if id_ is None else known.get(id_.lower())
    if named is None:
        if id_ is not None:
            mistakes.add(
                prefix + ("id" if ticket.get("id") is not None else "uuid"), "the item has no such ticket"
            )
        if ticket.get("checkInDate") is not None:
            mistakes.add(prefix + "checkInDate", _FIXED["checkInDate"])
        return {**ticket, "ticketStatus": ticket.get("ticketStatus") or "Normal"}
    mistakes.check_unchanged(ticket, named, _FIXED, prefix)
    status, before = ticket.get("ticketStatus") or named["ticketStatus"], named["ticketStatus"]
    if status == "Normal" and before != "Normal":
        mistakes.add(
            prefix + "ticketStatus", "a void ticket cannot become valid again: raise the quantity instead"
        )
    if status != "Normal" and before == "Normal" and named["checkInDate"]:
        mistakes.add(prefix + "ticketStatus", "a checked-in ticket cannot be voided")
    fields = {
        name: value for name, value in ticket.items() if name not in ("uuid", "tenantId", "checkInDate")
    }
    # If the quantity is lowered, used tickets are voided last.
    used = {"checkInDate": named["checkInDate"]} if named["checkInDate"] else {}
    return {**fields, **used, "id": named["id"], "ticketStatus": status}


def _quantity(
    sent: int | None,
    was: JsonObject,
    live: Sequence[JsonObject],
    gone: Mapping[str, str],
    prefix: str,
    mistakes: Mistakes,
) -> int:
    """Return the item's requested quantity: an unchanged quantity is lowered by the voided tickets."""
    if sent is None:
        return len(live)
    rest = was["quantity"] - len(gone)
    if gone and sent == was["quantity"]:
        return int(rest)
    if gone and sent > rest:
        mistakes.add(
            f"{prefix}quantity",
            f"must be at most {rest}, without the voided tickets: add tickets in another PUT",
        )
    return sent


def _check_named_once(tickets: Sequence[JsonObject], prefix: str, mistakes: Mistakes) -> None:
    seen: set[str] = set()
    for index, ticket in enumerate(tickets):
        id_ = ticket.get("id")
        if id_ in seen:
            mistakes.add(f"{prefix}ticketVos.{index}.id", "the ticket is listed twice")
        if id_ is not None:
            seen.add(id_)


def _first(tickets: Sequence[JsonObject], count: int | None) -> Sequence[JsonObject]:
    """Return `count` of the tickets, used ones first."""
    if count is None:
        return tickets
    return sorted(tickets, key=lambda ticket: not ticket["checkInDate"])[: max(count, 0)]


def _copy(ticket: JsonObject) -> JsonObject:
    return {**{name: ticket[name] for name in _NAMES}, "ticketStatus": "Normal"}


def _count(value: Any) -> int | None:
    number = as_number(value)
    return None if number is None else int(number)
