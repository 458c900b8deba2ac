"""Merging a patch into an order's fields, and merging later updates again after a late patch."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from orders.changing.merge_patch import merged
from orders.errors import Invalid
from orders.inventory.seating import labels_from
from orders.render import render_buyer
from orders.rows import ChangeRow
from orders.state import OrderState
from schemas.changes import PatchedOrder
from schemas.json import JsonObject
from schemas.order_fields import MAX_QUANTITY, SeatOrder
from willcall.kinds import CANCEL

_OBJECTS = frozenset({"buyer", "billing_address", "extras"})
"""Fields of which a patch may name a part; other fields are replaced as a whole."""

_SUPERSEDE_EACH_OTHER = frozenset({"discount", "total_discount"})

_NEVER_MISSING = ("buyer", "line_items")


class MergedPatch:
    """The requested fields of an order: those that a patch names; other fields stay.

    A late patch is merged with the updates after it: a field that a later patch replaced as a whole is
    superseded, with its consequences, and the later parts of objects are merged again.
    """

    def __init__(self, order: OrderState, patch: JsonObject, later: Sequence[ChangeRow]) -> None:
        """Merge the patch.

        Raises `pydantic.ValidationError`, or `Invalid` for unknown fields and for patches nested too deeply.
        """
        for name in patch:
            if name not in PatchedOrder.model_fields:
                raise Invalid(f"unknown field {name[:64]}", name[:64])
        updates = [change.patch or {} for change in later if change.kind != CANCEL]
        try:
            requested = merged(_objects(order, patch), patch)
            if updates:
                _validated(requested, patch)  # superseded fields must be valid, too
                patch = _not_superseded(patch, updates)
                requested = merged(_objects(order, patch), patch)
            for one in updates:
                requested = merged(
                    requested, {name: one[name] for name in one if name in _OBJECTS and name in patch}
                )
        except RecursionError as error:
            raise Invalid("nested too deeply", "patch") from error
        if "line_items" in patch:
            requested, patch = _without_cancelled(requested, patch, later)
        self.named = set(patch)
        """The fields to set."""
        self.shrunk = [found for change in later if (found := _subtotals(change)) is not None]
        """The tickets' amounts before and after later changes, if known."""
        self.requested = _validated(requested, patch)


def _validated(requested: JsonObject, patch: JsonObject) -> PatchedOrder:
    for name in _NEVER_MISSING:
        if name in patch and name not in requested:
            raise Invalid("cannot be removed from an order", name)
    return PatchedOrder.model_validate(requested)


def _not_superseded(patch: JsonObject, updates: Sequence[JsonObject]) -> JsonObject:
    """Return the fields of the patch that no later update replaced as a whole."""
    superseded = {name for one in updates for name in one} - _OBJECTS
    if superseded & _SUPERSEDE_EACH_OTHER:
        superseded |= _SUPERSEDE_EACH_OTHER
    return {name: value for name, value in patch.items() if name not in superseded}


def _without_cancelled(
    requested: JsonObject, patch: JsonObject, later: Sequence[ChangeRow]
) -> tuple[JsonObject, JsonObject]:
    """Return the merged fields and the patch without parts that were cancelled after the patch was sent."""
    items = requested.get("line_items")
    for change in later:
        if change.kind == CANCEL and isinstance(items, list):
            items = _less(items, (change.patch or {})["cancelled"])
            if not items:
                # All its lines are cancelled, and it does not name the order's current ones.
                return (
                    {name: value for name, value in requested.items() if name != "line_items"},
                    {name: value for name, value in patch.items() if name != "line_items"},
                )
    return ({**requested, "line_items": items} if "line_items" in requested else requested), patch


def _subtotals(change: ChangeRow) -> tuple[Decimal, Decimal] | None:
    for field in change.fields:
        if field["field"] == "totals.subtotal":
            return Decimal(field["from"]), Decimal(field["to"])
    return None


def _objects(order: OrderState, patch: JsonObject) -> JsonObject:
    """Return the order's objects that the patch names, in wire format without null fields."""
    row = order.row
    requested: JsonObject = {
        "buyer": _present(render_buyer(row)) if "buyer" in patch else None,
        "billing_address": row.billing_address and _present(row.billing_address),
        "extras": row.extras,
    }
    return {name: requested[name] for name in requested if name in patch and requested[name] is not None}


def _less(items: Sequence[Any], cancelled: Sequence[JsonObject]) -> list[Any]:
    """Return the lines without the parts that were cancelled later; malformed lines stay."""
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
        staying = [one for index, one in enumerate(attendees) if index not in gone.get("places", ())]
        less["attendees"] = staying[: less["quantity"]]
    return less


def _seat_order(item: JsonObject) -> SeatOrder:
    return "odd_even" if item.get("seat_order") == "odd_even" else "consecutive"


def _get(item: Any, name: str) -> Any:
    return item.get(name) if isinstance(item, dict) else None


def _present(requested: JsonObject) -> JsonObject:
    return {name: value for name, value in requested.items() if value is not None}
