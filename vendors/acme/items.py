"""The items of an order object as lines of ours, and what is kept of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import count
from typing import Final

from schemas.json import JsonObject
from schemas.money import ZERO
from schemas.outcomes import Rejection
from schemas.text import parse_uuid
from vendors.acme.extras import KeptOfItem, KeptOfTicket, said
from vendors.acme.prices import ItemPrice, price_of
from vendors.acme.request_models import ItemCall, TicketCall
from vendors.acme.values import INVENTORY_TYPES
from vendors.dialect import NotTranslatable
from vendors.values import without_nothing

_LONGEST_NUMBER: Final = 9
"""Digits of a line's number."""


@dataclass(frozen=True, slots=True)
class Item:
    """One item: our line of it, empty for one of nothing, what it takes off, and what is kept of it."""

    line: JsonObject
    kept: JsonObject
    discount: Decimal
    is_discount_said: bool

    @property
    def has_kept(self) -> bool:
        """Say whether anything is kept beside which item it is."""
        return bool(self.kept.keys() - {"itemId", "ticketClassId"})


def items_of(calls: Sequence[ItemCall], *, is_new: bool) -> list[Item]:
    """Return the items that have tickets, and those that had some; new ones are numbered from one.

    Raises `NotTranslatable`.
    """
    numbers = count(1)
    wanted = [(place, call, _quantity(call, place)) for place, call in enumerate(calls)]
    named = [
        (place, call, quantity)
        for place, call, quantity in wanted
        if quantity or not (is_new or call.itemId is None)
    ]
    # In a new order, what an item calls itself is only for the others of the same order.
    own_names = {str(call.itemId): str(next(numbers)) for _, call, _ in named} if is_new else {}
    remembers_discount = sum(1 for _, _, quantity in named if quantity) > 1
    return [
        _item(call, place, quantity, number if is_new else None, own_names, remembers_discount)
        for number, (place, call, quantity) in enumerate(named, 1)
    ]


def _item(
    call: ItemCall,
    place: int,
    quantity: int,
    new_number: int | None,
    own_names: Mapping[str, str],
    remembers_discount: bool,
) -> Item:
    class_id = call.ticketingTypeId or call.inventoryId
    if class_id is None and quantity:
        raise _wrong(place, "ticketingTypeId", "Field required")
    number = new_number or _line_number(call, place)
    price = price_of(call, quantity, place)
    is_new = new_number is not None
    kept = said(call, KeptOfItem)
    if call.parentItemId is not None:
        kept["parentItemId"] = own_names.get(str(call.parentItemId), call.parentItemId)
    is_inventory = call.ticketingTypeId is None and call.inventoryId is not None
    if is_inventory:
        kept["inventoryId"] = None  # it is the ticket class
        kept["itemType"] = call.itemType or (
            "inventory" if call.comboTemplateId is None else "comboInventory"
        )
    if kept["itemType"] and is_inventory != (kept["itemType"] in INVENTORY_TYPES):
        # The type that is said is not the one of the field that names the class: both stay as they are said.
        kept["isInventory"] = is_inventory
    kept["itemId"] = None if number is None else str(number)
    kept["ticketClassId"] = class_id if number is None else None
    is_remembered = bool(price.off and remembers_discount)
    kept["discountedUnitPrice"] = _discounted_unit_price(price, quantity) if is_remembered else None
    kept["tickets"] = _kept_of_tickets(call.ticketVos or (), is_new) or None
    line = {
        "line_number": None if is_new else number,
        "ticket_class_id": class_id,
        "event_id": call.eventId,
        "quantity": quantity,
        "unit_price": None if price.unit is None else f"{price.unit:f}",
        **(_attendees(call.ticketVos, quantity, is_new) if call.ticketVos is not None else {}),
    }
    return Item(
        without_nothing(line) if quantity else {},
        without_nothing(kept),
        price.off,
        price.is_discount_said,
    )


def _discounted_unit_price(price: ItemPrice, quantity: int) -> str:
    each = (price.unit or ZERO) - price.off / quantity
    return f"{round(each, 9).normalize():f}"


def _quantity(call: ItemCall, place: int) -> int:
    """Return how many tickets an item has; one that does not say has those that it names."""
    if call.quantity is not None:
        return call.quantity
    if call.ticketVos is None:
        raise _wrong(place, "quantity", "Field required")
    return len(_live(call.ticketVos))


def _line_number(call: ItemCall, place: int) -> int | None:
    if call.itemId is None:
        return None
    if not (call.itemId.isascii() and call.itemId.isdecimal() and len(call.itemId) <= _LONGEST_NUMBER):
        raise _wrong(place, "itemId", f"the order has no item {call.itemId}")
    return int(call.itemId)


def _live(tickets: Sequence[TicketCall]) -> list[TicketCall]:
    return [ticket for ticket in tickets if ticket.ticketStatus in (None, "Normal")]


def _attendees(tickets: Sequence[TicketCall], quantity: int, is_new: bool) -> JsonObject:
    """Return whose the tickets are. Named ones come first, as an update wants them, in their order."""
    live = _live(tickets)
    named = {} if is_new else {id_: ticket for ticket in live if (id_ := parse_uuid(ticket.id or ""))}
    # Where the quantity was made smaller and nothing else, the last ones go that were not used.
    kept = sorted(named, key=lambda id_: (named[id_].checkInDate is None, id_))[:quantity]
    others = [ticket for ticket in live if is_new or not parse_uuid(ticket.id or "")]
    attendees = [_attendee(ticket) for ticket in (*(named[id_] for id_ in kept), *others)]
    return {"attendees": attendees, **({"ticket_ids": [str(id_) for id_ in kept]} if kept else {})}


def _attendee(ticket: TicketCall) -> JsonObject:
    return without_nothing(
        {"first_name": ticket.firstName, "last_name": ticket.lastName, "email": ticket.email}
    )


def _kept_of_tickets(tickets: Sequence[TicketCall], is_new: bool) -> list[JsonObject]:
    """Return what is kept of tickets, each by its id, or by its place where it has none yet."""
    kept = []
    for place, ticket in enumerate(_live(tickets) if is_new else tickets):
        words = without_nothing(said(ticket, KeptOfTicket))
        # A void ticket without an id only keeps the place of one of which nothing is said.
        if not is_new and ticket.id is not None and ticket.ticketStatus in ("Rebook", "Refund", "Void"):
            words["ticketStatus"] = ticket.ticketStatus
        if words.get("printed") is False:
            del words["printed"]
        if words:
            id_ = None if is_new else parse_uuid(ticket.id or "")
            kept.append({**words, **({"id": str(id_)} if id_ else {"place": place})})
    return kept


def _wrong(place: int, field: str, message: str) -> NotTranslatable:
    return NotTranslatable([Rejection("invalid", f"orderItems.{place}.{field}", message)])
