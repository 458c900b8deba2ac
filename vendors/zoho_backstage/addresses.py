"""The billing address of a call: next to the buyer's details in the document's text, inside in its sample."""

from typing import Final

from schemas.json import JsonObject
from schemas.outcomes import Rejection
from vendors.dialect import NotTranslatable
from vendors.zoho_backstage.request_models import BillingAddress, OrderCall

_FIELDS: Final = {
    "billing_address_name": "name",
    "billing_address_line_1": "line_1",
    "billing_address_line_2": "line_2",
    "billing_city": "city",
    "billing_state": "state",
    "billing_country": "country",
    "billing_zip_code": "postal_code",
}
"""The vendor's fields of an address, and ours."""


def billing_address_of(call: OrderCall) -> JsonObject | None:
    """Return the canonical address, merged from both places, or None.

    Raises `NotTranslatable` for fields that differ between the two places.
    """
    outer = call.billing_address or BillingAddress()
    nested = call.buyer_details.billing_address or BillingAddress()
    different = [name for name in _FIELDS if _are_different(getattr(outer, name), getattr(nested, name))]
    if different:
        raise NotTranslatable([_rejection(name) for name in different])
    address = {ours: getattr(outer, name) or getattr(nested, name) for name, ours in _FIELDS.items()}
    return address if any(address.values()) else None


def _are_different(one: str | None, other: str | None) -> bool:
    return one is not None and other is not None and one != other


def _rejection(name: str) -> Rejection:
    return Rejection(
        "invalid",
        f"billing_address.{name}",
        f"differs from buyer_details.billing_address.{name}: send one of them",
    )
