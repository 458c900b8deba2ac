"""The items of an order object, translated to lines and extras."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import count
from typing import Final

from schemas.json import JsonObject
from schemas.money import ZERO
from schemas.outcomes import Rejection
from schemas.text import parse_uuid
from vendors.acme.extras import ItemExtras, TicketExtras, stated_fields
from vendors.acme.prices import ItemPrice, price_of
from vendors.acme.request_models import ItemCall, TicketCall
from vendors.acme.values import INVENTORY_TYPES
from vendors.dialect import NotTranslatable
from vendors.values import without_none

_LONGEST_NUMBER: Final = 9
"""Maximum digits of a line's number."""


@dataclass(frozen=True, slots=True)
class Item:
    """One item: its line (empty without tickets), its extras and its discount."""

    line: JsonObject
    extras: JsonObject
    discount: Decimal
    is_discount_stated: bool

    @property
    def has_extras(self) -> bool:
        """Return whether anything is stored except the item's identity."""
        return bool(self.extras.keys() - {"itemId", "ticketClassId"})


def items_of(calls: Sequence[ItemCall], *, is_new: bool) -> list[Item]:
    """Return the items with tickets, and those that had some; new items are numbered from one.

    Raises `NotTranslatable`.
    """
    numbers = count(1)
    wanted = [(place, call, _quantity(call, place)) for place, call in enumerate(calls)]
    named = [
        (place, call, quantity)
        for place, call, quantity in wanted
        if quantity or not (is_new or call.itemId is None)
    ]
    # In a new order, an item's id only serves as a reference for other items of the call.
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
    extras = stated_fields(call, ItemExtras)
    if call.parentItemId is not None:
        extras["parentItemId"] = own_names.get(str(call.parentItemId), call.parentItemId)
    is_inventory = call.ticketingTypeId is None and call.inventoryId is not None
    if is_inventory:
        extras["inventoryId"] = None  # stored as the ticket class
        extras["itemType"] = call.itemType or (
            "inventory" if call.comboTemplateId is None else "comboInventory"
        )
    if extras["itemType"] and is_inventory != (extras["itemType"] in INVENTORY_TYPES):
        # The stated type contradicts the field that names the class: both are answered as sent.
        extras["isInventory"] = is_inventory
    extras["itemId"] = None if number is None else str(number)
    extras["ticketClassId"] = class_id if number is None else None
    is_remembered = bool(price.off and remembers_discount)
    extras["discountedUnitPrice"] = _discounted_unit_price(price, quantity) if is_remembered else None
    extras["tickets"] = _ticket_extras(call.ticketVos or (), is_new) or None
    line = {
        "line_number": None if is_new else number,
        "ticket_class_id": class_id,
        "event_id": call.eventId,
        "quantity": quantity,
        "unit_price": None if price.unit is None else f"{price.unit:f}",
        **(_attendees(call.ticketVos, quantity, is_new) if call.ticketVos is not None else {}),
    }
    return Item(
        without_none(line) if quantity else {},
        without_none(extras),
        price.off,
        price.is_discount_stated,
    )


def _discounted_unit_price(price: ItemPrice, quantity: int) -> str:
    each = (price.unit or ZERO) - price.off / quantity
    return f"{round(each, 9).normalize():f}"


def _quantity(call: ItemCall, place: int) -> int:
    """Return an item's quantity; without one, the number of its valid `ticketVos`."""
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
    """Return the attendees of the tickets. Tickets with ids come first, in id order, as updates require."""
    live = _live(tickets)
    named = {} if is_new else {id_: ticket for ticket in live if (id_ := parse_uuid(ticket.id or ""))}
    # If only the quantity was lowered, the last unused tickets are dropped.
    staying = sorted(named, key=lambda id_: (named[id_].checkInDate is None, id_))[:quantity]
    others = [ticket for ticket in live if is_new or not parse_uuid(ticket.id or "")]
    attendees = [_attendee(ticket) for ticket in (*(named[id_] for id_ in staying), *others)]
    return {"attendees": attendees, **({"ticket_ids": [str(id_) for id_ in staying]} if staying else {})}


def _attendee(ticket: TicketCall) -> JsonObject:
    return without_none({"first_name": ticket.firstName, "last_name": ticket.lastName, "email": ticket.email})


def _ticket_extras(tickets: Sequence[TicketCall], is_new: bool) -> list[JsonObject]:
    """Return the extras of the tickets, each with its id, or with its place if it has no id yet."""
    extras = []
    for place, ticket in enumerate(_live(tickets) if is_new else tickets):
        fields = without_none(stated_fields(ticket, TicketExtras))
        # A void ticket without an id only holds the place of a ticket without a stated status.
        if not is_new and ticket.id is not None and ticket.ticketStatus in ("Rebook", "Refund", "Void"):
            fields["ticketStatus"] = ticket.ticketStatus
        if fields.get("printed") is False:
            del fields["printed"]
        if fields:
            id_ = None if is_new else parse_uuid(ticket.id or "")
            extras.append({**fields, **({"id": str(id_)} if id_ else {"place": place})})
    return extras


def _wrong(place: int, field: str, message: str) -> NotTranslatable:
    return NotTranslatable([Rejection("invalid", f"orderItems.{place}.{field}", message)])
