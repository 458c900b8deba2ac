"""Rendering people: the purchaser, the holders of tickets, the creator and the modifier of an order."""

from schemas.background import Authors, Background
from schemas.json import JsonObject
from schemas.order_fields import Attendee
from schemas.orders import Order
from schemas.text import parse_uuid
from vendors.zoho_backstage.extras import HolderExtras


def address_of(order: Order) -> str:
    """Return the buyer's e-mail address, or an empty text."""
    return order.buyer.email or ""


def purchaser(order: Order) -> JsonObject:
    """Return the order's `contact`."""
    return {
        "purchaser_first_name": order.buyer.first_name,
        "purchaser_last_name": order.buyer.last_name,
        "purchaser_email": address_of(order),
        "purchaser_mobile_no": order.buyer.phone or "",
    }


def billing_address(order: Order) -> JsonObject:
    """Return the billing address; omitted parts are empty texts."""
    address = order.billing_address
    return {
        "name": (address and address.name) or "",
        "streetAddress1": (address and address.line_1) or "",
        "streetAddress2": (address and address.line_2) or "",
        "city": (address and address.city) or "",
        "state": (address and address.state) or "",
        "country": (address and address.country) or "",
        "zipcode": (address and address.postal_code) or "",
    }


def holder(order: Order, attendee: Attendee, extras: HolderExtras) -> JsonObject:
    """Return a ticket's `contact`; on the buyer's own ticket, omitted fields are the buyer's."""
    # Two people without an e-mail address are not known to be the same.
    is_buyer = bool(attendee.email) and (attendee.email or "").lower() == address_of(order).lower()
    return {
        "first_name": attendee.first_name or "",
        "company_name": extras.company_name or (is_buyer and order.buyer.company) or "",
        "email": attendee.email or "",
        "designation": extras.designation or "",
        "mobile_no": extras.mobile_no or (is_buyer and order.buyer.phone) or "",
        "last_name": attendee.last_name or "",
    }


def creator(order: Order, background: Background) -> JsonObject:
    """Return the creator of the order."""
    return _user(background, background.authors.get(order.id, Authors()).created_by)


def modifier(order: Order, background: Background) -> JsonObject:
    """Return the user who changed the order last, or its creator if it was never changed."""
    return _user(background, background.authors.get(order.id, Authors()).changed_by)


def _user(background: Background, by: str | None) -> JsonObject:
    """Return the user of an API key: its number, and the organisation that the key belongs to.

    The vendor's ids are numbers of 64 bits: a key's number is the first 64 bits of its id. A request without
    a key, from the queue, has the organisation's own number.
    """
    organisation = background.organisation
    key_id = parse_uuid(by or "")
    own = next(iter(background.aliases.get("zoho_backstage", ())), str(background.tenant_id.int >> 64))
    return {
        "id": own if key_id is None else str(key_id.int >> 64),
        "email": organisation.email or "",
        "first_name": organisation.name or background.tenant,
        "company": organisation.entity_name or organisation.name or background.tenant,
        "designation": "",
    }
