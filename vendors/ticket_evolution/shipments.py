"""Rendering the shipments of an order: those of its call, or a single one if the call stated none."""

from collections.abc import Sequence
from typing import Any, Final

from schemas.json import JsonObject
from schemas.orders import Order
from vendors.ticket_evolution.items import PARTS, id_of

_TEXTS: Final = (
    "service_type",
    "signature_type",
    "name",
    "carrier",
    "tracking_number",
    "notes",
    "ship_to_name",
    "ship_to_company_name",
)
_IDS: Final = ("address", "email_address", "phone_number", "ship_from_address", "ship_from_phone_number")
_ANYHOW: Final = "Eticket"


def shipments_of(order: Order, items: Sequence[JsonObject], extras: Any) -> list[JsonObject]:
    """Return the shipments with all items of the order: items that no shipment names are in an extra one."""
    requested = extras.get("shipments") if isinstance(extras, dict) else None
    shipments = [one for one in requested if isinstance(one, dict)] if isinstance(requested, list) else []
    taken: set[int] = set()
    made = []
    for shipment in shipments:
        places = [place for place in _places(shipment, len(items)) if place not in taken]
        taken.update(places)
        made.append((shipment, [items[place] for place in places]))
    rest = [item for place, item in enumerate(items) if place not in taken]
    if rest:
        made.append(({}, rest))
    return [_shipment(order, place, *one) for place, one in enumerate(made, 1)]


def _places(shipment: JsonObject, count: int) -> list[int]:
    places = shipment.get("items")
    known = places if isinstance(places, list) else []
    return list(dict.fromkeys(place for place in known if type(place) is int and 0 <= place < count))


def _shipment(order: Order, place: int, requested: JsonObject, items: Sequence[JsonObject]) -> JsonObject:
    id_ = order.number * PARTS + place
    type_, available = requested.get("type"), requested.get("available")
    texts = {name: requested.get(name) for name in _TEXTS}
    return {
        "id": id_,
        "url": f"/shipments/{id_}",
        "type": type_ if isinstance(type_, str) else _ANYHOW,
        "state": _state(order, items),
        "items": [{name: item[name] for name in ("id", "ticket_group_id", "quantity")} for item in items],
        "available": available if isinstance(available, bool) else None,
        **{name: value if isinstance(value, str) else None for name, value in texts.items()},
        **{f"{name}_id": id_of(requested.get(f"{name}_id")) for name in _IDS},
        **{f"{name}_attributes": _object(requested.get(f"{name}_attributes")) for name in _IDS},
    }


def _object(value: Any) -> JsonObject | None:
    return value if isinstance(value, dict) else None


def _state(order: Order, items: Sequence[JsonObject]) -> str:
    """Return the state of a shipment: delivered if all its tickets are issued."""
    if order.status != "placed":
        return "canceled"
    tickets = [ticket for item in items for ticket in item["tickets"] if ticket["state"] != "voided"]
    return "delivered" if tickets and all(ticket["barcode"] for ticket in tickets) else "pending"
