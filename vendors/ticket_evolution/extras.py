"""Fields of a call without a canonical counterpart: stored in the order's extras for this dialect."""

from typing import Any, Final

from schemas.json import JsonObject
from vendors.ticket_evolution.request_models import Item, OrderCall, Payment
from vendors.values import without_none

_OF_ITEMS: Final = {"seat_order", "ticket_group_signature", "ticket_hold_id", "ticket_group", "id"}
_OF_PAYMENTS: Final = {
    "credit_card_id",
    "token",
    "check_number",
    "billing_address_id",
    "address_id",
    "address_attributes",
}
_OF_ORDERS: Final = {"session_id", "user_agent", "billing_address_id", "tax_signature"}
"""The fields of an order stored as sent, besides its promo code and its older reference."""


def extras_of(call: OrderCall) -> JsonObject | None:
    """Return the extras, or None if there are none.

    `items` and `payments` are in the order of the order's lines and payments; `shipments` name their items by
    place, from 0.
    """
    items = [item for shipment in call.shipped_items for item in shipment.items]
    both = call.reference is not None and call.seller_reference_number not in (None, call.reference)
    stored = {
        "shipments": _shipments(call),
        "items": _some([_item(item) for item in items]),
        "payments": _some([_payment(payment) for payment in call.payments]),
        "promo_code": call.promo_code,
        "reference": call.reference if both else None,
        **call.model_dump(mode="json", include=_OF_ORDERS),
    }
    found = without_none(stored)
    return {"ticket_evolution": found} if found else None


def _shipments(call: OrderCall) -> list[JsonObject] | None:
    shipments = []
    place = 0
    for shipment in call.shipped_items:
        fields = shipment.model_dump(mode="json", exclude_none=True, exclude={"items"})
        shipments.append(fields | {"items": list(range(place, place + len(shipment.items)))})
        place += len(shipment.items)
    # A single shipment without other fields is the default, and not stored.
    return None if len(shipments) == 1 and len(shipments[0]) == 1 else shipments


def _item(item: Item) -> JsonObject:
    # The seats are the hold's, whatever seat order the call states.
    names = _OF_ITEMS if item.ticket_hold_id is None else _OF_ITEMS - {"seat_order"}
    return item.model_dump(mode="json", include=names, exclude_none=True)


def _payment(payment: Payment) -> JsonObject:
    return payment.model_dump(mode="json", include=_OF_PAYMENTS, exclude_none=True)


def _some(rows: list[JsonObject]) -> list[JsonObject] | None:
    return rows if any(rows) else None


def stored(extras: Any, name: str, place: int | None = None) -> Any:
    """Return the stored value of a name, or the object at a place of its list (empty if missing)."""
    value = extras.get(name) if isinstance(extras, dict) else None
    if place is None:
        return value
    row = value[place] if isinstance(value, list) and 0 <= place < len(value) else None
    return row if isinstance(row, dict) else {}
