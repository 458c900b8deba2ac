"""What was refused, in the vendor's words.

An order is `{"state": "rejected", "errors": {"field": ["message"]}}` in the list of orders; a call has
`errors` of its own, or `{"error": "…"}`.
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
_ABOUT_WORDS: Final = frozenset({400, 409, 422})


@dataclass(frozen=True, slots=True)
class Layout:
    """What an order's call names: `shipped_items.0.items.1`, by the place of the line, and its fields."""

    lines: Sequence[str]
    fields: frozenset[str]


def layout_of(words: Mapping[str, Any]) -> Layout:
    """Return what the words of an order name, and where its lines are, as far as they say."""
    shipments = words.get("shipped_items")
    lines = [
        f"shipped_items.{place}.items.{index}"
        for place, shipment in enumerate(shipments if isinstance(shipments, list) else ())
        if isinstance(shipment, dict) and isinstance(shipment.get("items"), list)
        for index in range(len(shipment["items"]))
    ]
    return Layout(lines, frozenset(words))


def refusal(status: int, message: str, errors: Mistakes) -> tuple[int, JsonObject]:
    """Return status and body of a refused call; its `errors` are in the vendor's words already."""
    if status not in _ABOUT_WORDS or not _are_about_fields(status, errors):
        return status, {"error": message}
    return 422 if status == 400 else status, {"errors": by_field(errors)}


def _are_about_fields(status: int, errors: Mistakes) -> bool:
    # A body that is no JSON has no fields to speak of.
    return bool(errors) and (status != 400 or any(error["field"] for error in errors))


def by_field(errors: Mistakes) -> dict[str, list[str]]:
    """Return the sentences by their fields, each in the order of the mistakes."""
    found: dict[str, list[str]] = {}
    for error in errors:
        found.setdefault(error["field"] or _BASE, []).append(error["message"])
    return found


def rejected(errors: Mistakes) -> JsonObject:
    """Return what stands for a rejected order; its errors are in the vendor's words."""
    return {"state": REJECTED, "errors": by_field(errors)}


def in_their_words(errors: Mistakes, layout: Layout) -> list[JsonObject]:
    """Return the errors of a rejected order with the vendor's names of the fields."""
    return [{**error, "field": _field(error["field"] or _BASE, layout)} for error in errors]


def _field(field: str, layout: Layout) -> str:
    name, _, rest = field.partition(".")
    if name in layout.fields:
        return field  # the call's own, also where the name is one of ours that the vendor does not have
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
