"""The billing address of a call: the document's text has it beside the buyer's details, its sample inside."""

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
"""The vendor's words of an address, and ours."""


def billing_address_of(call: OrderCall) -> JsonObject | None:
    """Return the address in canonical words: what both places say of it together, or None.

    Raises `NotTranslatable` for what the two places say differently.
    """
    beside = call.billing_address or BillingAddress()
    nested = call.buyer_details.billing_address or BillingAddress()
    different = [name for name in _FIELDS if _are_different(getattr(beside, name), getattr(nested, name))]
    if different:
        raise NotTranslatable([_rejection(name) for name in different])
    address = {ours: getattr(beside, name) or getattr(nested, name) for name, ours in _FIELDS.items()}
    return address if any(address.values()) else None


def _are_different(one: str | None, other: str | None) -> bool:
    return one is not None and other is not None and one != other


def _rejection(name: str) -> Rejection:
    return Rejection(
        "invalid", f"billing_address.{name}", f"buyer_details.billing_address.{name} says something else"
    )
