"""What a PUT sends, without the fields that Willcall computes; a computed field that was changed is refused.

The document marks only `id` and `itemId` as read only. A client reads an order, changes a field and sends all
of it back, including computed fields as they were read. These are dropped here, as are unchanged prices of
items. A changed total is kept: the worker checks the order against it. All other fields are kept whether they
were changed or not.
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

_BY_PAYMENTS: Final = "PUT cannot change payments: record them with POST /v1/orders/{id}/payments"
_AS_CONFIRMED: Final = "PUT cannot change the original amount of the order: omit it"

_FIXED: Final[Mapping[str, str]] = {
    "originalTotalAmount": _AS_CONFIRMED,
    "discountedOriginalTotalAmount": _AS_CONFIRMED,
    "paidAmount": _BY_PAYMENTS,
    "refundAmount": _BY_PAYMENTS,
    "checkInStatus": "PUT cannot check in tickets: use POST /v1/check-ins",
    "createdOn": "PUT cannot change when the order was created: omit it",
}
"""Fields that a PUT cannot change, and why."""

_TOTALS: Final = ("totalAmount", "discountedTotalAmount")
"""The total of the order, before and after discounts."""

_FOLLOWS: Final = frozenset({*_FIXED, *_TOTALS, "balanceAmount", "updatedOn"})
"""Computed fields: answered, but not stored."""


def classes_of(body: Mapping[str, Any]) -> set[str]:
    """Return the ticket classes that the items of an order object name, in either field."""
    items = body.get("orderItems")
    named = [class_of(item) for item in (items if isinstance(items, list) else ()) if isinstance(item, dict)]
    return {name for name in named if name is not None}


def without_computed(
    body: JsonObject, read: JsonObject, related: Sequence[JsonObject], catalogue: Mapping[str, JsonObject]
) -> JsonObject:
    """Return the order object without computed fields, and without unchanged prices of its items.

    `read` is the order as it is answered, with plain numbers. `related` is the part of each item's extras
    that is not answered, so that no client can send it back. `catalogue` has the fields of ticket classes in
    answers, by their ids. Raises `NotTranslatable` for fields that cannot be changed. A malformed order
    object is returned unchanged: the translation refuses it.
    """
    try:
        OrderCall.model_validate({name: value for name, value in body.items() if name != "id"})
    except ValidationError:
        return body
    mistakes = Mistakes()
    mistakes.check_unchanged(body, read, _FIXED)
    _check_updated_on(body, read, mistakes)
    known = [{**item, **extras} for item, extras in zip(read["orderItems"], related, strict=True)]
    items = replaced_items(body["orderItems"], known, catalogue, mistakes)
    totals = _changed_totals(body, read, items, mistakes)
    if mistakes.found:
        raise NotTranslatable(mistakes.found[:MAX_REJECTIONS])
    stated = {name: value for name, value in body.items() if name not in _FOLLOWS}
    return {**stated, **totals, "orderItems": items}


def needs_current_order(body: Mapping[str, Any]) -> bool:
    """Return whether an order object has a field whose meaning depends on the current order."""
    items = body.get("orderItems")
    return (
        any(name in body for name in _FOLLOWS)
        or not isinstance(items, list)
        or any(isinstance(item, dict) and "itemId" in item for item in items)
    )


def _check_updated_on(body: JsonObject, read: JsonObject, mistakes: Mistakes) -> None:
    """Refuse a moment before the creation or after the last change; others come from earlier reads."""
    if body.get("updatedOn") is None or is_same(body["updatedOn"], read["updatedOn"]):
        return
    first, last = as_moment(read["createdOn"]), as_moment(read["updatedOn"])
    sent = as_moment(body["updatedOn"])
    if sent is None or first is None or last is None or not first <= sent <= last:
        mistakes.add("updatedOn", "PUT cannot set updatedOn, the time of the last change: omit it")


def _changed_totals(
    body: JsonObject, read: JsonObject, items: Sequence[JsonObject], mistakes: Mistakes
) -> JsonObject:
    """Return the totals that differ from those read: the worker checks the order against them."""
    stated = {name: body[name] for name in _TOTALS if is_changed(body, read, name)}
    balance, was = as_number(body.get("balanceAmount")), as_number(read["balanceAmount"])
    if balance is None or was is None or balance == was:
        return stated
    total, by = as_number(stated.get("discountedTotalAmount")), _growth(items, read["orderItems"])
    before = as_number(read["discountedTotalAmount"])
    grown = total - before if total is not None and before is not None else by
    if grown is None or balance not in (was + grown, was + (by or 0)):
        mistakes.add(
            "balanceAmount",
            "PUT cannot set the balance, which follows from the total and the payments: omit it",
        )
    return stated


def _growth(items: Sequence[JsonObject], read: Sequence[JsonObject]) -> Decimal | None:
    """Return the difference of the items' amounts to those read; None if it depends on the catalogue."""
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
