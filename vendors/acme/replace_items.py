"""The items of a PUT, each compared with the existing item that it changes."""

from collections.abc import Mapping, Sequence, Set
from decimal import Decimal
from typing import Any, Final

from schemas.json import JsonObject
from vendors.acme.compare import Mistakes, as_number, is_changed, is_same
from vendors.acme.extras import STATED_STATUSES, ItemExtras, TicketExtras
from vendors.acme.prices import DISCOUNT_FIELDS
from vendors.acme.related_fields import NEIGHBOURS_OF_ITEM
from vendors.acme.replace_tickets import Replaced, has_extras, replaced_tickets

_AS_CONFIRMED: Final = "PUT cannot change the original values of an item: omit it"
_AT_THE_GATE: Final = "PUT cannot check in tickets: use POST /v1/check-ins"
_BY_CATALOGUE: Final = "the catalogue sets it for the event and the ticket type: change their ids instead"

_FIXED: Final[Mapping[str, str]] = {
    "originalQuantity": _AS_CONFIRMED,
    "basicOriginalQuantity": _AS_CONFIRMED,
    "originalAmount": _AS_CONFIRMED,
    "discountedOriginalAmount": _AS_CONFIRMED,
    "checkedInQuantity": _AT_THE_GATE,
    "checkInDate": _AT_THE_GATE,
}
"""Fields of an item that a PUT cannot change, and why."""

_OF_CATALOGUE: Final = ("eventName", "eventStartTime", "ticketingTypeName")

_CLASS_FIELDS: Final = ("ticketingTypeId", "inventoryId")

_NEW: Final[JsonObject] = {
    "quantity": 0,
    "ticketVos": [],
    **dict.fromkeys(("originalQuantity", "basicOriginalQuantity", "checkedInQuantity"), 0),
    **dict.fromkeys(("originalAmount", "discountedOriginalAmount", "balanceAmount"), 0),
}
"""The values that a new item is compared with."""


def replaced_items(
    sent: Sequence[JsonObject],
    read: Sequence[JsonObject],
    catalogue: Mapping[str, JsonObject],
    mistakes: Mistakes,
) -> list[JsonObject]:
    """Return the requested items in order, then the emptied items of those that change their class."""
    matched = _match(sent, read)
    items: list[JsonObject] = []
    emptied: list[JsonObject] = []
    reused: set[str] = set()
    others_come = any(_takes_more(item, was) for item, was in zip(sent, matched, strict=True))
    for place, (item, was) in enumerate(zip(sent, matched, strict=True)):
        prefix = f"orderItems.{place}."
        _check_names(item, was, catalogue, prefix, mistakes)
        if was is None:
            if item.get("itemId") is not None:
                items.append(dict(item))  # no such item: the translation refuses it
            else:
                items.append(_item(item, _NEW, prefix, mistakes, others_come=others_come).fields)
            continue
        replaced = _item(item, was, prefix, mistakes, others_come=others_come)
        if not _has_other_class(item, was) or not replaced.quantity:
            items.append(replaced.fields)
            continue
        if any(ticket["checkInDate"] for ticket in was["ticketVos"]):
            mistakes.add(
                prefix + _class_field(item),
                "the item's class cannot change: one of its tickets was checked in",
            )
        again = _emptied_before(read, class_of(item), reused)
        items.append(_in_other_class(replaced, again))
        emptied.append(_emptied(was, replaced))
        reused |= {again["itemId"]} if again else set()
    for item, was in zip(items, matched, strict=True):
        if was is not None and was["itemId"] in reused and not was["quantity"]:
            item.pop("itemId", None)  # another item of the call now has this id
    return [*items, *emptied]


def _takes_more(item: JsonObject, was: JsonObject | None) -> bool:
    """Return whether an item gets new tickets."""
    quantity = as_number(item.get("quantity"))
    more = len(item.get("ticketVos") or ()) if quantity is None else quantity
    return was is None or _has_other_class(item, was) or more > was["quantity"]


def _emptied_before(read: Sequence[JsonObject], class_id: str | None, reused: Set[str]) -> JsonObject | None:
    """Return an emptied item of the class: an update reuses it before it adds a new one."""
    found = (one for one in read if not one["quantity"] and one["itemId"] not in reused)
    return next((one for one in found if class_of(one) == class_id), None)


def _match(sent: Sequence[JsonObject], read: Sequence[JsonObject]) -> list[JsonObject | None]:
    """Return the existing item of each sent one: by its id, else the next of its class, as in updates."""
    by_id = {item["itemId"]: item for item in read}
    matched = [by_id.get(str(item["itemId"])) if item.get("itemId") is not None else None for item in sent]
    used = {item["itemId"] for item in matched if item is not None}
    open_first = sorted(read, key=lambda item: not item["quantity"])
    for place, item in enumerate(sent):
        if item.get("itemId") is None:
            free = (
                one for one in open_first if one["itemId"] not in used and class_of(one) == class_of(item)
            )
            matched[place] = found = next(free, None)
            used |= {found["itemId"]} if found else set()
    return matched


def class_of(item: JsonObject) -> str | None:
    """Return the ticket class of an item, from either field."""
    found = next((item[name] for name in _CLASS_FIELDS if item.get(name) is not None), None)
    return None if found is None else str(found)


def _class_field(item: JsonObject) -> str:
    return next((name for name in _CLASS_FIELDS if item.get(name) is not None), _CLASS_FIELDS[0])


def _has_other_class(item: JsonObject, was: JsonObject) -> bool:
    return class_of(item) not in (None, class_of(was))


def _item(
    item: JsonObject, was: JsonObject, prefix: str, mistakes: Mistakes, *, others_come: bool
) -> Replaced:
    """Return the requested changes of an item and its tickets."""
    mistakes.check_unchanged(item, was, _FIXED, prefix)
    replaced = replaced_tickets(item, was, prefix, mistakes, others_come=others_come)
    fields = replaced.fields
    fields |= {name: was[name] for name in NEIGHBOURS_OF_ITEM if name in was and name not in fields}
    if is_changed(item, was, "basicQuantity") and not is_same(item["basicQuantity"], item.get("quantity")):
        mistakes.add(prefix + "basicQuantity", "must equal quantity: change quantity instead")
    if was is not _NEW:
        _set_prices(fields, was, prefix, mistakes)
    if is_changed(item, was, "balanceAmount") and not is_same(item["balanceAmount"], fields.get("amount")):
        mistakes.add(prefix + "balanceAmount", "PUT cannot set the item's share of the balance: omit it")
    for name in (*_FIXED, *_OF_CATALOGUE, "basicQuantity", "balanceAmount"):
        fields.pop(name, None)
    return replaced


def _check_names(
    item: JsonObject,
    was: JsonObject | None,
    catalogue: Mapping[str, JsonObject],
    prefix: str,
    mistakes: Mistakes,
) -> None:
    """Refuse names that are neither those read nor those of the item's requested class."""
    now = catalogue.get(class_of(item) or "")
    if now is None:
        return  # the class is unknown, and refused later
    names = (*_OF_CATALOGUE, *(("inventoryName",) if item.get("ticketingTypeId") is None else ()))
    for name in names:
        if is_changed(item, now, name) and (was is None or is_changed(item, was, name)):
            mistakes.add(prefix + name, _BY_CATALOGUE)


def _set_prices(fields: JsonObject, was: JsonObject, prefix: str, mistakes: Mistakes) -> None:
    """Keep only the price fields that the client has changed."""
    is_repriced = is_changed(fields, was, "unitPrice")
    if not is_changed(fields, was, "amount"):
        fields.pop("amount", None)
    elif not is_repriced:
        # The amount states a new price, unless it follows from the price and the new quantity.
        price, quantity = as_number(was["unitPrice"]), as_number(fields.get("quantity"))
        is_repriced = as_number(fields["amount"]) != (price or 0) * (quantity or 0)
        fields.pop("unitPrice" if is_repriced else "amount", None)
    changed = [name for name in DISCOUNT_FIELDS if is_changed(fields, was, name)]
    if changed:
        for name in set(DISCOUNT_FIELDS) - set(changed):
            fields.pop(name, None)
        return
    fields.pop("discountedAmount", None)
    if is_repriced:
        _keep_discounted_price(fields, was, prefix, mistakes)


def _keep_discounted_price(fields: JsonObject, was: JsonObject, prefix: str, mistakes: Mistakes) -> None:
    """Drop a discounted price that equalled the price; a lower one stays as it is."""
    if is_same(was["discountedUnitPrice"], was["unitPrice"]):
        fields.pop("discountedUnitPrice", None)
        return
    field = "unitPrice" if fields.get("unitPrice") is not None else "amount"
    price, discounted = as_number(fields.get(field)), as_number(fields.get("discountedUnitPrice"))
    quantity = as_number(fields.get("quantity")) or Decimal(1)
    if price is not None and discounted is not None:
        price = price if field == "unitPrice" else price / quantity
        if price < discounted:
            mistakes.add(
                prefix + field, "the price is below the item's discountedUnitPrice: send that as well"
            )


def _in_other_class(replaced: Replaced, again: JsonObject | None) -> JsonObject:
    """Return the item in another class: a new item, or a reused emptied one.

    Its tickets are new, with the names and the notes of the tickets that they replace.
    """
    fields = replaced.fields
    fields.pop("itemId", None)
    if again is not None:
        fields["itemId"] = again["itemId"]
    before = [] if again is None else [_void_ticket(ticket, again) for ticket in again["ticketVos"]]
    anew = [
        {name: value for name, value in ticket.items() if name not in ("id", "uuid")}
        for ticket in replaced.live
    ]
    return {**fields, "quantity": replaced.quantity, "ticketVos": [*before, *anew]}


def _emptied(was: JsonObject, replaced: Replaced) -> JsonObject:
    """Return the emptied item that is left when its tickets change to another class."""
    extras = {name: was[name] for name in ItemExtras.model_fields}
    tickets = [_void_ticket(ticket, was, replaced.gone.get(ticket["id"])) for ticket in was["ticketVos"]]
    named = {name: was[name] for name in ("itemId", *_CLASS_FIELDS)}
    return {**extras, **named, "quantity": 0, "ticketVos": tickets}


def _void_ticket(ticket: Mapping[str, Any], item: JsonObject, stated: str | None = None) -> JsonObject:
    """Return a void ticket to store; only a placeholder if it has no extras and no stated status."""
    stated = stated or item[STATED_STATUSES].get(ticket["id"])
    if stated is None and not has_extras(ticket):
        return {"ticketStatus": "Void"}
    status = "Rebook" if ticket["ticketStatus"] == "Normal" else ticket["ticketStatus"]
    extras = {name: ticket[name] for name in TicketExtras.model_fields}
    return {"id": ticket["id"], **extras, "ticketStatus": stated or status}
