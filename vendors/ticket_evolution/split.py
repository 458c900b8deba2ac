"""Splitting a call into one request per order."""

from collections.abc import Mapping
from typing import Any, Final

from schemas.json import JsonObject
from schemas.outcomes import Rejection
from schemas.requests import MAX_REQUESTS_PER_MESSAGE
from vendors.dialect import NotTranslatable
from vendors.ticket_evolution.request_models import OrderCall
from vendors.ticket_evolution.values import hold_name

_FIELDS: Final = ("orders", "check_fraud")


def split(payload: Any) -> list[JsonObject]:
    """Return the orders of `{"orders": […], "check_fraud": …}`, each with the `check_fraud` of the call."""
    if not isinstance(payload, dict):
        raise _refusal(None, 'the body must be an object such as {"orders": [{…}]}')
    # The sender chose the name of an unknown field: it may have any length and any characters.
    unknown = [ascii(name[:64])[1:-1] for name in payload if name not in _FIELDS]
    if unknown:
        raise NotTranslatable([Rejection("invalid", name, f"unknown field {name}") for name in unknown[:20]])
    orders = payload.get("orders")
    if not isinstance(orders, list):
        raise _refusal("orders", "must be an array, even for a single order")
    if not 1 <= len(orders) <= MAX_REQUESTS_PER_MESSAGE:
        raise _refusal("orders", f"must have 1 to {MAX_REQUESTS_PER_MESSAGE} orders")
    shared = {"check_fraud": payload["check_fraud"]} if "check_fraud" in payload else {}
    return [_order(place, order, shared) for place, order in enumerate(orders)]


def _order(place: int, order: Any, shared: Mapping[str, Any]) -> JsonObject:
    if not isinstance(order, dict):
        raise _refusal(f"orders.{place}", "must be an object")
    if "check_fraud" in order:
        raise _refusal(f"orders.{place}.check_fraud", "applies to the whole call: move it next to orders")
    # The offices that it names are read before it is validated.
    body = {**OrderCall.given(order), **shared}
    if isinstance(order.get("shipped_items"), list):
        body["shipped_items"] = [_shipment(shipment) for shipment in order["shipped_items"]]
    return body


def _shipment(shipment: Any) -> Any:
    if not isinstance(shipment, dict) or not isinstance(shipment.get("items"), list):
        return shipment
    return {**shipment, "items": [_item(item) for item in shipment["items"]]}


def _item(item: Any) -> Any:
    # 128 bits: readers of JSON on the queue would not keep them exact as a number.
    if not isinstance(item, dict) or "ticket_hold_id" not in item:
        return item
    return {**item, "ticket_hold_id": hold_name(item["ticket_hold_id"])}


def _refusal(field: str | None, sentence: str) -> NotTranslatable:
    return NotTranslatable([Rejection("invalid", field, sentence)])
