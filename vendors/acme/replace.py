"""What a PUT says of an order that was read: what is as it was is not said, all else is taken or refused.

The document marks `id` and `itemId` as read only, and nothing else. A client reads an order, changes a field
and sends all of it back: of what follows from others it sends what it has read. Here such fields go, those
that a PUT cannot change are refused by name, and what is left says what the client wants.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

from pydantic import ValidationError

from schemas.json import JsonObject
from schemas.outcomes import MAX_REJECTIONS
from vendors.acme.compare import Mistakes, as_moment, as_number, is_changed, is_same
from vendors.acme.replace_items import class_of, replaced_items
from vendors.acme.request_models import OrderCall
from vendors.dialect import NotTranslatable

_BY_PAYMENTS: Final = "payments are recorded by POST /v1/orders/{id}/payments"
_AS_CONFIRMED: Final = "it is what the order cost as it was confirmed"

_FIXED: Final[Mapping[str, str]] = {
    "originalTotalAmount": _AS_CONFIRMED,
    "discountedOriginalTotalAmount": _AS_CONFIRMED,
    "paidAmount": _BY_PAYMENTS,
    "refundAmount": _BY_PAYMENTS,
    "checkInStatus": "tickets are let in at the gate: POST /v1/check-ins",
    "createdOn": "an order keeps the moment at which it was made",
}
"""Why a PUT cannot change a field."""

_TOTALS: Final = ("totalAmount", "discountedTotalAmount")
"""What the order costs, before and after what is taken off."""

_FOLLOWS: Final = frozenset({*_FIXED, *_TOTALS, "balanceAmount", "updatedOn"})
"""What a client reads and nobody keeps."""


def classes_of(words: Mapping[str, Any]) -> set[str]:
    """Return the ticket classes that the items of an order object name, by whichever field."""
    items = words.get("orderItems")
    named = [class_of(item) for item in (items if isinstance(items, list) else ()) if isinstance(item, dict)]
    return {name for name in named if name is not None}


def said_of(
    words: JsonObject, read: JsonObject, related: Sequence[JsonObject], catalogue: Mapping[str, JsonObject]
) -> JsonObject:
    """Return what the order object says of an order, beside what the order says already.

    `read` is the order as it is answered, with plain numbers, and `related` what is kept of each of its items
    and not answered: no client can send it back. `catalogue` has the names that answers have of ticket
    classes, by their ids. Raises `NotTranslatable` for what cannot be changed. An order object that is
    malformed is returned as it is: it is refused when it is translated.
    """
    try:
        OrderCall.model_validate({name: value for name, value in words.items() if name != "id"})
    except ValidationError:
        return words
    mistakes = Mistakes()
    mistakes.check_unchanged(words, read, _FIXED)
    _check_updated_on(words, read, mistakes)
    known = [{**item, **kept} for item, kept in zip(read["orderItems"], related, strict=True)]
    items = replaced_items(words["orderItems"], known, catalogue, mistakes)
    totals = _said_totals(words, read, items, mistakes)
    if mistakes.found:
        raise NotTranslatable(mistakes.found[:MAX_REJECTIONS])
    kept = {name: value for name, value in words.items() if name not in _FOLLOWS}
    return {**kept, **totals, "orderItems": items}


def compares(words: Mapping[str, Any]) -> bool:
    """Say whether an order object has a field whose meaning depends on what the order is by now."""
    items = words.get("orderItems")
    return (
        any(name in words for name in _FOLLOWS)
        or not isinstance(items, list)
        or any(isinstance(item, dict) and "itemId" in item for item in items)
    )


def _check_updated_on(words: JsonObject, read: JsonObject, mistakes: Mistakes) -> None:
    """Refuse a moment at which the order did not exist: an earlier one is that of an earlier reading."""
    if words.get("updatedOn") is None or is_same(words["updatedOn"], read["updatedOn"]):
        return
    first, last = as_moment(read["createdOn"]), as_moment(read["updatedOn"])
    sent = as_moment(words["updatedOn"])
    if sent is None or first is None or last is None or not first <= sent <= last:
        mistakes.add("updatedOn", "it is when the order was changed last, and each change sets it")


def _said_totals(
    words: JsonObject, read: JsonObject, items: Sequence[JsonObject], mistakes: Mistakes
) -> JsonObject:
    """Return the totals that are not as they were read: the worker holds the order to them."""
    said = {name: words[name] for name in _TOTALS if is_changed(words, read, name)}
    balance, was = as_number(words.get("balanceAmount")), as_number(read["balanceAmount"])
    if balance is None or was is None or balance == was:
        return said
    total, by = as_number(said.get("discountedTotalAmount")), _growth(items, read["orderItems"])
    before = as_number(read["discountedTotalAmount"])
    grown = total - before if total is not None and before is not None else by
    if grown is None or balance not in (was + grown, was + (by or 0)):
        mistakes.add("balanceAmount", "it follows from what the order costs and what was paid")
    return said


def _growth(items: Sequence[JsonObject], read: Sequence[JsonObject]) -> Decimal | None:
    """Return by how much the items cost more than they did; None where only the catalogue knows it."""
    before = sum((as_number(item["discountedAmount"]) or Decimal(0) for item in read), Decimal(0))
    after = Decimal(0)
    for item in items:
        amount = _amount(item)
        if amount is None:
            return None
        after += amount
    return after - before


def _amount(item: JsonObject) -> Decimal | None:
    quantity = as_number(item.get("quantity"))
    if quantity == 0:
        return Decimal(0)
    given = as_number(item.get("discountedAmount"))
    if given is not None or quantity is None:
        return given
    names = ("discountedUnitPrice", "unitPrice")
    price = next((found for one in names if (found := as_number(item.get(one))) is not None), None)
    return None if price is None else round(price * quantity, 4)
