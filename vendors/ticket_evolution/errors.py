"""Errors in the Ticket Evolution dialect.

A refused order is `{"state": "rejected", "errors": {"field": ["message"]}}` in the list of orders; a refused
call has `errors` of its own, or `{"error": "…"}`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from schemas.json import JsonObject
from vendors.ticket_evolution.states import REJECTED

Mistakes = Sequence[Mapping[str, Any]]

_BASE: Final = "base"
_IN_ITEMS: Final[Mapping[str, str]] = {
    "ticket_class_id": "ticket_group_id",
    "unit_price": "price",
    "hold_id": "ticket_hold_id",
    "seats": "low_seat",
}
_IN_ORDERS: Final[Mapping[str, str]] = {
    "line_items": "shipped_items",
    "buyer": "client_id",
    "billing_address": "payments",
    "substitutes": "substitute_order_link_id",
    "extras": _BASE,
}
_ABOUT_BODIES: Final = frozenset({400, 409, 422})


@dataclass(frozen=True, slots=True)
class Layout:
    """The layout of an order's body: paths such as `shipped_items.0.items.1` by line, and its fields."""

    lines: Sequence[str]
    fields: frozenset[str]


def layout_of(body: Mapping[str, Any]) -> Layout:
    """Return the layout of an order's body, which may be malformed."""
    shipments = body.get("shipped_items")
    lines = [
        f"shipped_items.{place}.items.{index}"
        for place, shipment in enumerate(shipments if isinstance(shipments, list) else ())
        if isinstance(shipment, dict) and isinstance(shipment.get("items"), list)
        for index in range(len(shipment["items"]))
    ]
    return Layout(lines, frozenset(body))


def refusal(status: int, message: str, errors: Mistakes) -> tuple[int, JsonObject]:
    """Return status and body of a refused call; its `errors` already have the vendor's names of fields."""
    if status not in _ABOUT_BODIES or not _are_about_fields(status, errors):
        return status, {"error": message}
    return 422 if status == 400 else status, {"errors": by_field(errors)}


def _are_about_fields(status: int, errors: Mistakes) -> bool:
    # A body that is not JSON has no fields.
    return bool(errors) and (status != 400 or any(error["field"] for error in errors))


def by_field(errors: Mistakes) -> dict[str, list[str]]:
    """Return the messages by field, in the order of the mistakes."""
    found: dict[str, list[str]] = {}
    for error in errors:
        found.setdefault(error["field"] or _BASE, []).append(error["message"])
    return found


def rejected(errors: Mistakes) -> JsonObject:
    """Return a rejected order; its errors already have the vendor's names of fields."""
    return {"state": REJECTED, "errors": by_field(errors)}


def with_vendor_fields(errors: Mistakes, layout: Layout) -> list[JsonObject]:
    """Return the errors of a rejected order with the vendor's names of the fields."""
    return [{**error, "field": _field(error["field"] or _BASE, layout)} for error in errors]


def _field(field: str, layout: Layout) -> str:
    name, _, rest = field.partition(".")
    if name in layout.fields:
        return field  # a field of the call, even if its name is also one of our fields
    if name != "line_items" or not rest:
        return _IN_ORDERS.get(name, field)
    place, _, inner = rest.partition(".")
    if not place.isdecimal() or int(place) >= len(layout.lines):
        return _IN_ORDERS[name]
    where = layout.lines[int(place)]
    what, _, deeper = inner.partition(".")
    if not what or what == "attendees":
        return where
    return ".".join(part for part in (where, _IN_ITEMS.get(what, what), deeper) if part)
