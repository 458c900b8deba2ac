"""One request for each order of a call."""

from collections.abc import Mapping
from typing import Any, Final

from schemas.json import JsonObject
from schemas.outcomes import Rejection
from schemas.requests import MAX_REQUESTS_PER_MESSAGE
from vendors.dialect import NotTranslatable
from vendors.ticket_evolution.values import hold_name

_FIELDS: Final = ("orders", "check_fraud")


def split(payload: Any) -> list[JsonObject]:
    """Return the orders of `{"orders": […], "check_fraud": …}`, each with the `check_fraud` of the call."""
    if not isinstance(payload, dict):
        raise _not(None, 'a call is an object such as {"orders": [{…}]}')
    # The name of an unknown field is the sender's, of any length and any characters.
    unknown = [ascii(name[:64])[1:-1] for name in payload if name not in _FIELDS]
    if unknown:
        raise NotTranslatable([Rejection("invalid", name, f"unknown field {name}") for name in unknown[:20]])
    orders = payload.get("orders")
    if not isinstance(orders, list):
        raise _not("orders", "must be an array, even for a single order")
    if not 1 <= len(orders) <= MAX_REQUESTS_PER_MESSAGE:
        raise _not("orders", f"holds 1 to {MAX_REQUESTS_PER_MESSAGE} orders")
    shared = {"check_fraud": payload["check_fraud"]} if "check_fraud" in payload else {}
    return [_order(place, order, shared) for place, order in enumerate(orders)]


def _order(place: int, order: Any, shared: Mapping[str, Any]) -> JsonObject:
    if not isinstance(order, dict):
        raise _not(f"orders.{place}", "must be an object")
    if "check_fraud" in order:
        raise _not(f"orders.{place}.check_fraud", "is for the whole call: beside orders, not inside")
    words = {**order, **shared}
    if isinstance(order.get("shipped_items"), list):
        words["shipped_items"] = [_shipment(shipment) for shipment in order["shipped_items"]]
    return words


def _shipment(shipment: Any) -> Any:
    if not isinstance(shipment, dict) or not isinstance(shipment.get("items"), list):
        return shipment
    return {**shipment, "items": [_item(item) for item in shipment["items"]]}


def _item(item: Any) -> Any:
    # 128 bits: no reader of JSON on the queue would keep them as a number.
    if not isinstance(item, dict) or "ticket_hold_id" not in item:
        return item
    return {**item, "ticket_hold_id": hold_name(item["ticket_hold_id"])}


def _not(field: str | None, sentence: str) -> NotTranslatable:
    return NotTranslatable([Rejection("invalid", field, sentence)])
