"""What a patch makes of an order's terms, with what came after the patch merged in once more."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from orders.changing.merge_patch import merged
from orders.errors import Invalid
from orders.inventory.seating import labels_from
from orders.render import render_buyer
from orders.rows import ChangeRow
from orders.state import OrderState
from schemas.changes import OrderTerms
from schemas.json import JsonObject
from schemas.order_fields import MAX_QUANTITY, SeatOrder
from schemas.requests import CANCEL

_OBJECTS = frozenset({"buyer", "billing_address", "extras"})
"""Words of which a patch may name a part; of all others it names the whole."""

_SETTLE_EACH_OTHER = frozenset({"discount", "total_discount"})

_NEVER_MISSING = ("buyer", "line_items")


class Terms:
    """What an order is to be, in the words that a patch names; all others stay as they are.

    A patch that comes late is merged with what came after it: a word that a later patch named as a whole is
    settled, with all that followed from it, and of objects the later parts are merged once more.
    """

    def __init__(self, order: OrderState, patch: JsonObject, later: Sequence[ChangeRow]) -> None:
        """Merge the patch.

        Raises `pydantic.ValidationError`, or `Invalid` for what is unknown or nested too deeply.
        """
        for name in patch:
            if name not in OrderTerms.model_fields:
                raise Invalid(f"unknown field {name[:64]}", name[:64])
        updates = [change.patch or {} for change in later if change.kind != CANCEL]
        try:
            words = merged(_objects(order, patch), patch)
            if updates:
                _validated(words, patch)  # what is settled is still to be well formed
                patch = _unsettled(patch, updates)
                words = merged(_objects(order, patch), patch)
            for one in updates:
                words = merged(words, {name: one[name] for name in one if name in _OBJECTS and name in patch})
        except RecursionError as error:
            raise Invalid("nested too deeply", "patch") from error
        if "line_items" in patch:
            words, patch = _without_cancelled(words, patch, later)
        self.named = set(patch)
        """The words that are to be set."""
        self.shrunk = [found for change in later if (found := _subtotals(change)) is not None]
        """What the tickets cost before and after later changes, where that is known."""
        self.words = _validated(words, patch)


def _validated(words: JsonObject, patch: JsonObject) -> OrderTerms:
    for name in _NEVER_MISSING:
        if name in patch and name not in words:
            raise Invalid("it cannot be removed from an order", name)
    return OrderTerms.model_validate(words)


def _unsettled(patch: JsonObject, updates: Sequence[JsonObject]) -> JsonObject:
    """Return what no later update named as a whole."""
    settled = {name for one in updates for name in one} - _OBJECTS
    if settled & _SETTLE_EACH_OTHER:
        settled |= _SETTLE_EACH_OTHER
    return {name: value for name, value in patch.items() if name not in settled}


def _without_cancelled(
    words: JsonObject, patch: JsonObject, later: Sequence[ChangeRow]
) -> tuple[JsonObject, JsonObject]:
    """Return words and patch without what was cancelled after the patch, which knew nothing of it."""
    items = words.get("line_items")
    for change in later:
        if change.kind == CANCEL and isinstance(items, list):
            items = _less(items, (change.patch or {})["cancelled"])
            if not items:
                # All that it wanted is cancelled, and what the order has now is not in it.
                return (
                    {name: value for name, value in words.items() if name != "line_items"},
                    {name: value for name, value in patch.items() if name != "line_items"},
                )
    return ({**words, "line_items": items} if "line_items" in words else words), patch


def _subtotals(change: ChangeRow) -> tuple[Decimal, Decimal] | None:
    for field in change.fields:
        if field["field"] == "totals.subtotal":
            return Decimal(field["from"]), Decimal(field["to"])
    return None


def _objects(order: OrderState, patch: JsonObject) -> JsonObject:
    """Return the objects that the patch names, in the words of the wire: what is null is left out."""
    row = order.row
    words: JsonObject = {
        "buyer": _present(render_buyer(row)) if "buyer" in patch else None,
        "billing_address": row.billing_address and _present(row.billing_address),
        "extras": row.extras,
    }
    return {name: words[name] for name in words if name in patch and words[name] is not None}


def _less(items: Sequence[Any], cancelled: Sequence[JsonObject]) -> list[Any]:
    """Return the lines without what was cancelled after they were asked for; what is no line stays."""
    left = list(items)
    for gone in cancelled:
        index = _index_of(left, gone)
        if index is not None:
            less = _lessened(left[index], gone)
            left[index : index + 1] = [] if less is None else [less]
    return left


def _index_of(items: Sequence[Any], gone: JsonObject) -> int | None:
    by_number = [i for i, item in enumerate(items) if _get(item, "line_number") == gone["line_number"]]
    by_class = [
        i
        for i, item in enumerate(items)
        if _get(item, "line_number") is None and _get(item, "ticket_class_id") == gone["ticket_class_id"]
    ]
    return next(iter([*by_number, *by_class]), None)


def _lessened(item: Mapping[str, Any], gone: JsonObject) -> JsonObject | None:
    quantity = item.get("quantity")
    if gone["quantity"] is None or not isinstance(quantity, int) or quantity <= gone["quantity"]:
        return None
    less = {**item, "quantity": quantity - gone["quantity"]}
    low_seat, seats = less.get("low_seat"), less.get("seats")
    if isinstance(low_seat, str) and not seats:
        seats = labels_from(low_seat, _seat_order(less), min(quantity, MAX_QUANTITY))
        del less["low_seat"]
    if isinstance(seats, list):
        less["seats"] = [seat for seat in seats if seat not in gone["seats"]]
        less["quantity"] = len(less["seats"])
    attendees = item.get("attendees")
    if isinstance(attendees, list):
        kept = [one for place, one in enumerate(attendees) if place not in gone.get("places", ())]
        less["attendees"] = kept[: less["quantity"]]
    return less


def _seat_order(item: JsonObject) -> SeatOrder:
    return "odd_even" if item.get("seat_order") == "odd_even" else "consecutive"


def _get(item: Any, name: str) -> Any:
    return item.get(name) if isinstance(item, dict) else None


def _present(words: JsonObject) -> JsonObject:
    return {name: value for name, value in words.items() if value is not None}
