"""The tickets of an item of a PUT, each beside the ticket that it is about; and how many there are to be."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from schemas.json import JsonObject
from vendors.acme.compare import Mistakes, as_number
from vendors.acme.extras import SAID, KeptOfTicket

_FIXED: Final[Mapping[str, str]] = {
    "tenantId": "a ticket is of its order's tenant",
    "uuid": "it is the ticket's id",
    "checkInDate": "tickets are let in at the gate: POST /v1/check-ins",
}
"""Why a PUT cannot change a field of a ticket."""

_NAMES: Final = ("id", "firstName", "lastName", "email", *KeptOfTicket.model_fields)


@dataclass(slots=True)
class Replaced:
    """An item as it is to be, and its tickets: those that are to be valid, and why the others go."""

    words: JsonObject
    quantity: int | None
    live: list[JsonObject]
    gone: dict[str, str] = field(default_factory=dict)


def replaced_tickets(
    item: JsonObject, was: JsonObject, prefix: str, mistakes: Mistakes, *, others_come: bool
) -> Replaced:
    """Return the item with its tickets and its quantity, which follows tickets that are said to go.

    `others_come` says whether the update makes tickets, which could be taken for those in the places of void
    ones: then it is remembered which ones a client said to be void.
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
        mistakes.add(f"{prefix}ticketVos", "where tickets go, the others are named by their ids")
    if left and not has_nameless:
        # Named, they keep their names, and are not the ones that go in the place of those that are said to.
        stay = [_copy(ticket) for ticket in _first(left, quantity - len(live))]
        live, tickets = [*live, *stay], [*tickets, *stay]
    told = [_told(ticket, known, was.get(SAID, {}), others_come=others_come) for ticket in tickets]
    return Replaced({**item, "ticketVos": told, "quantity": quantity}, quantity, live, gone)


def _told(
    ticket: JsonObject, known: Mapping[str, JsonObject], said: Mapping[str, Any], *, others_come: bool
) -> JsonObject:
    """Return a ticket as it is to be kept; of a void one of which nothing is said only its place.

    An order keeps no more than 64 KiB, and may have thousands of void tickets.
    """
    named, status = known.get(ticket.get("id") or ""), ticket["ticketStatus"]
    if named is None or status == "Normal" or has_kept(ticket):
        return ticket
    is_as_read = status == named["ticketStatus"] and said.get(named["id"]) is None
    is_plainly_void = status == "Void" and named["ticketStatus"] == "Normal" and not others_come
    return {"ticketStatus": "Void"} if is_as_read or is_plainly_void else ticket


def has_kept(ticket: Mapping[str, Any]) -> bool:
    """Say whether a ticket has words that are kept, beside its status."""
    return any(ticket.get(name) for name in KeptOfTicket.model_fields)


def _ticket(
    ticket: JsonObject, known: Mapping[str, JsonObject], prefix: str, mistakes: Mistakes
) -> JsonObject:
    """Return a ticket by its id, with a status."""
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
        mistakes.add(prefix + "ticketStatus", "a ticket that is void does not come back: raise the quantity")
    if status != "Normal" and before == "Normal" and named["checkInDate"]:
        mistakes.add(prefix + "ticketStatus", "the ticket was used at the gate")
    kept = {name: value for name, value in ticket.items() if name not in ("uuid", "tenantId", "checkInDate")}
    # Which of the tickets go where an item gets fewer depends on which were used.
    used = {"checkInDate": named["checkInDate"]} if named["checkInDate"] else {}
    return {**kept, **used, "id": named["id"], "ticketStatus": status}


def _quantity(
    sent: int | None,
    was: JsonObject,
    live: Sequence[JsonObject],
    gone: Mapping[str, str],
    prefix: str,
    mistakes: Mistakes,
) -> int:
    """Return how many tickets the item is to have: a quantity that was read goes down with those that go."""
    if sent is None:
        return len(live)
    rest = was["quantity"] - len(gone)
    if gone and sent == was["quantity"]:
        return int(rest)
    if gone and sent > rest:
        mistakes.add(
            f"{prefix}quantity", f"without the tickets that go it is {rest}; more are another update"
        )
    return sent


def _check_named_once(tickets: Sequence[JsonObject], prefix: str, mistakes: Mistakes) -> None:
    seen: set[str] = set()
    for index, ticket in enumerate(tickets):
        id_ = ticket.get("id")
        if id_ in seen:
            mistakes.add(f"{prefix}ticketVos.{index}.id", "the ticket is named twice")
        if id_ is not None:
            seen.add(id_)


def _first(tickets: Sequence[JsonObject], count: int | None) -> Sequence[JsonObject]:
    """Return so many of the tickets, those that were used before the others."""
    if count is None:
        return tickets
    return sorted(tickets, key=lambda ticket: not ticket["checkInDate"])[: max(count, 0)]


def _copy(ticket: JsonObject) -> JsonObject:
    return {**{name: ticket[name] for name in _NAMES}, "ticketStatus": "Normal"}


def _count(value: Any) -> int | None:
    number = as_number(value)
    return None if number is None else int(number)
