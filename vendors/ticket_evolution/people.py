"""The buyer. In a call a client is an id whose details the vendor knows; our orders name the buyer."""

from collections.abc import Iterator
from typing import Any, Final

from pydantic import ValidationError

from schemas.json import JsonObject
from schemas.order_fields import Address, Buyer
from vendors.ticket_evolution.request_models import Hash, OrderCall

_ADDRESS: Final = {
    "name": "name",
    "street_address": "line_1",
    "extended_address": "line_2",
    "locality": "city",
    "region": "state",
    "country_code": "country",
    "postal_code": "postal_code",
}
"""The vendor's fields of an address, and ours."""


def buyer_of(call: OrderCall) -> JsonObject:
    """Return the canonical buyer: the call's recipient, or a buyer named by the client's id.

    Such a buyer has no e-mail address.
    """
    kind, id_ = _party(call)
    first, _, last = (_name(call) or f"{kind} {id_ or 'unknown'}").rpartition(" ")
    stand_in: JsonObject = {"first_name": first, "last_name": last, "email": None}
    stated = {
        "email": _first(_attributes(call, "email_address"), "address"),
        "phone": _first(_attributes(call, "phone_number"), "number"),
        "company": next((one.ship_to_company_name for one in call.shipped_items), None),
    }
    buyer = stand_in | {name: value for name, value in stated.items() if value}
    try:
        return {"email": None, **Buyer.model_validate(buyer).model_dump(exclude_none=True)}
    except ValidationError:  # attributes that are not valid here stay in the shipment as sent
        return stand_in


def billing_address_of(call: OrderCall) -> JsonObject | None:
    """Return the first payment's address that is valid, or None."""
    for payment in call.payments:
        given = payment.address_attributes or {}
        fields = {ours: given[theirs] for theirs, ours in _ADDRESS.items() if given.get(theirs)}
        try:
            if fields:
                return Address.model_validate(fields).model_dump(exclude_none=True)
        except ValidationError:
            continue
    return None


def render_address(address: Address | None) -> JsonObject | None:
    """Return an address in the vendor's format."""
    return None if address is None else {theirs: getattr(address, ours) for theirs, ours in _ADDRESS.items()}


def _party(call: OrderCall) -> tuple[str, str | None]:
    if call.client_id is not None and not call.buys:
        return "Client", call.client_id
    return "Office", call.buyer_id


def _name(call: OrderCall) -> str | None:
    names = (one.ship_to_name for one in call.shipped_items)
    name = next((name for name in names if name), None) or _first(_attributes(call, "address"), "name")
    return name if name and len(name) <= 200 else None


def _attributes(call: OrderCall, what: str) -> Iterator[Hash]:
    for shipment in call.shipped_items:
        attributes = getattr(shipment, f"{what}_attributes")
        if attributes:
            yield attributes


def _first(hashes: Iterator[Hash], name: str) -> Any:
    values = (one.get(name) for one in hashes)
    return next((value for value in values if isinstance(value, str) and value), None)
