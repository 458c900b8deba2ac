"""The items of a PUT, each beside the item that it is about."""

from collections.abc import Mapping, Sequence, Set
from decimal import Decimal
from typing import Any, Final

from schemas.json import JsonObject
from vendors.acme.compare import Mistakes, as_number, is_changed, is_same
from vendors.acme.extras import SAID, KeptOfItem, KeptOfTicket
from vendors.acme.prices import DISCOUNT_FIELDS
from vendors.acme.related_fields import NEIGHBOURS_OF_ITEM
from vendors.acme.replace_tickets import Replaced, has_kept, replaced_tickets

_AS_CONFIRMED: Final = "it is of the order as it was confirmed"
_AT_THE_GATE: Final = "tickets are let in at the gate: POST /v1/check-ins"
_BY_CATALOGUE: Final = "the catalogue says it of the event and the ticket type: change their ids"

_FIXED: Final[Mapping[str, str]] = {
    "originalQuantity": _AS_CONFIRMED,
    "basicOriginalQuantity": _AS_CONFIRMED,
    "originalAmount": _AS_CONFIRMED,
    "discountedOriginalAmount": _AS_CONFIRMED,
    "checkedInQuantity": _AT_THE_GATE,
    "checkInDate": _AT_THE_GATE,
}
"""Why a PUT cannot change a field of an item."""

_OF_CATALOGUE: Final = ("eventName", "eventStartTime", "ticketingTypeName")

_CLASS_FIELDS: Final = ("ticketingTypeId", "inventoryId")

_NEW: Final[JsonObject] = {
    "quantity": 0,
    "ticketVos": [],
    **dict.fromkeys(("originalQuantity", "basicOriginalQuantity", "checkedInQuantity"), 0),
    **dict.fromkeys(("originalAmount", "discountedOriginalAmount", "balanceAmount"), 0),
}
"""What an item that is new is compared with."""


def replaced_items(
    sent: Sequence[JsonObject],
    read: Sequence[JsonObject],
    catalogue: Mapping[str, JsonObject],
    mistakes: Mistakes,
) -> list[JsonObject]:
    """Return what the items say, in their order; behind them what is left of items of another class now."""
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
                items.append(dict(item))  # there is no such item, and the translation says so
            else:
                items.append(_item(item, _NEW, prefix, mistakes, others_come=others_come).words)
            continue
        replaced = _item(item, was, prefix, mistakes, others_come=others_come)
        if not _has_other_class(item, was) or not replaced.quantity:
            items.append(replaced.words)
            continue
        if any(ticket["checkInDate"] for ticket in was["ticketVos"]):
            mistakes.add(prefix + _class_field(item), "a ticket of the item was used at the gate")
        again = _emptied_before(read, class_of(item), reused)
        items.append(_in_other_class(replaced, again))
        emptied.append(_emptied(was, replaced))
        reused |= {again["itemId"]} if again else set()
    for item, was in zip(items, matched, strict=True):
        if was is not None and was["itemId"] in reused and not was["quantity"]:
            item.pop("itemId", None)  # another one of the call is this item by now
    return [*items, *emptied]


def _takes_more(item: JsonObject, was: JsonObject | None) -> bool:
    """Say whether an item gets tickets that it did not have."""
    quantity = as_number(item.get("quantity"))
    more = len(item.get("ticketVos") or ()) if quantity is None else quantity
    return was is None or _has_other_class(item, was) or more > was["quantity"]


def _emptied_before(read: Sequence[JsonObject], class_id: str | None, reused: Set[str]) -> JsonObject | None:
    """Return an item of the class of which nothing is left: an update takes it before it makes a new one."""
    found = (one for one in read if not one["quantity"] and one["itemId"] not in reused)
    return next((one for one in found if class_of(one) == class_id), None)


def _match(sent: Sequence[JsonObject], read: Sequence[JsonObject]) -> list[JsonObject | None]:
    """Return the item that each one is about: of its id, else the next of its class, as an update has it."""
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
    """Return the ticket class of an item, by whichever field it is named."""
    found = next((item[name] for name in _CLASS_FIELDS if item.get(name) is not None), None)
    return None if found is None else str(found)


def _class_field(item: JsonObject) -> str:
    return next((name for name in _CLASS_FIELDS if item.get(name) is not None), _CLASS_FIELDS[0])


def _has_other_class(item: JsonObject, was: JsonObject) -> bool:
    return class_of(item) not in (None, class_of(was))


def _item(
    item: JsonObject, was: JsonObject, prefix: str, mistakes: Mistakes, *, others_come: bool
) -> Replaced:
    """Return what an item says beside what it was, and its tickets."""
    mistakes.check_unchanged(item, was, _FIXED, prefix)
    replaced = replaced_tickets(item, was, prefix, mistakes, others_come=others_come)
    words = replaced.words
    words |= {name: was[name] for name in NEIGHBOURS_OF_ITEM if name in was and name not in words}
    if is_changed(item, was, "basicQuantity") and not is_same(item["basicQuantity"], item.get("quantity")):
        mistakes.add(prefix + "basicQuantity", "it is the quantity: change that")
    if was is not _NEW:
        _set_prices(words, was, prefix, mistakes)
    if is_changed(item, was, "balanceAmount") and not is_same(item["balanceAmount"], words.get("amount")):
        mistakes.add(prefix + "balanceAmount", "it is the item's share of what the order owes")
    for name in (*_FIXED, *_OF_CATALOGUE, "basicQuantity", "balanceAmount"):
        words.pop(name, None)
    return replaced


def _check_names(
    item: JsonObject,
    was: JsonObject | None,
    catalogue: Mapping[str, JsonObject],
    prefix: str,
    mistakes: Mistakes,
) -> None:
    """Refuse names that are neither those that were read nor those of the class that the item is of now."""
    now = catalogue.get(class_of(item) or "")
    if now is None:
        return  # the class is refused
    names = (*_OF_CATALOGUE, *(("inventoryName",) if item.get("ticketingTypeId") is None else ()))
    for name in names:
        if is_changed(item, now, name) and (was is None or is_changed(item, was, name)):
            mistakes.add(prefix + name, _BY_CATALOGUE)


def _set_prices(words: JsonObject, was: JsonObject, prefix: str, mistakes: Mistakes) -> None:
    """Leave the price that is said: of one that was read, what the client has changed, and nothing else."""
    is_repriced = is_changed(words, was, "unitPrice")
    if not is_changed(words, was, "amount"):
        words.pop("amount", None)
    elif not is_repriced:
        # The amount is the change, unless it is only what the quantity makes of the price.
        price, quantity = as_number(was["unitPrice"]), as_number(words.get("quantity"))
        is_repriced = as_number(words["amount"]) != (price or 0) * (quantity or 0)
        words.pop("unitPrice" if is_repriced else "amount", None)
    changed = [name for name in DISCOUNT_FIELDS if is_changed(words, was, name)]
    if changed:
        for name in set(DISCOUNT_FIELDS) - set(changed):
            words.pop(name, None)
        return
    words.pop("discountedAmount", None)
    if is_repriced:
        _keep_discounted_price(words, was, prefix, mistakes)


def _keep_discounted_price(words: JsonObject, was: JsonObject, prefix: str, mistakes: Mistakes) -> None:
    """Let a discounted price follow a price that it was; one that was below it stays as it is."""
    if is_same(was["discountedUnitPrice"], was["unitPrice"]):
        words.pop("discountedUnitPrice", None)
        return
    field = "unitPrice" if words.get("unitPrice") is not None else "amount"
    price, discounted = as_number(words.get(field)), as_number(words.get("discountedUnitPrice"))
    quantity = as_number(words.get("quantity")) or Decimal(1)
    if price is not None and discounted is not None:
        price = price if field == "unitPrice" else price / quantity
        if price < discounted:
            mistakes.add(prefix + field, "it is below the item's discountedUnitPrice: say that as well")


def _in_other_class(replaced: Replaced, again: JsonObject | None) -> JsonObject:
    """Return the item as one of another class: a new one, or one that was emptied before.

    Its tickets are made anew, with the names and the notes of those in whose places they come.
    """
    words = replaced.words
    words.pop("itemId", None)
    if again is not None:
        words["itemId"] = again["itemId"]
    before = [] if again is None else [_void_ticket(ticket, again) for ticket in again["ticketVos"]]
    anew = [
        {name: value for name, value in ticket.items() if name not in ("id", "uuid")}
        for ticket in replaced.live
    ]
    return {**words, "quantity": replaced.quantity, "ticketVos": [*before, *anew]}


def _emptied(was: JsonObject, replaced: Replaced) -> JsonObject:
    """Return what stays of an item whose tickets are of another class by now."""
    kept = {name: was[name] for name in KeptOfItem.model_fields}
    tickets = [_void_ticket(ticket, was, replaced.gone.get(ticket["id"])) for ticket in was["ticketVos"]]
    named = {name: was[name] for name in ("itemId", *_CLASS_FIELDS)}
    return {**kept, **named, "quantity": 0, "ticketVos": tickets}


def _void_ticket(ticket: Mapping[str, Any], item: JsonObject, said: str | None = None) -> JsonObject:
    """Return a ticket that is void by now, as it is kept; its place alone where nothing is said of it."""
    said = said or item[SAID].get(ticket["id"])
    if said is None and not has_kept(ticket):
        return {"ticketStatus": "Void"}
    status = "Rebook" if ticket["ticketStatus"] == "Normal" else ticket["ticketStatus"]
    kept = {name: ticket[name] for name in KeptOfTicket.model_fields}
    return {"id": ticket["id"], **kept, "ticketStatus": said or status}
