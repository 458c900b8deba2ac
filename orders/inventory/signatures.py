"""Signatures of ticket groups: an order at a price that has risen is refused before it takes inventory.

A signature states the number of tickets in the group and the price, with a MAC (HMAC-SHA256, RFC 2104, with a
secret of the tenant) over both: `12_45.50_` and 43 letters of base64url. The rule is that of Ticket
Evolution's `ticket_group_signature` (Orders / Create, Items Parameters): no order if the quantity is no
longer available, or the cost has risen. Sales in between do not matter as long as enough tickets are left.
"""

import hmac
from base64 import urlsafe_b64encode
from decimal import Decimal
from hashlib import sha256

from orders.catalogue.prices import TicketClassOffer
from orders.errors import Invalid, PriceMismatch


def sign_group(secret: bytes, offer: TicketClassOffer, free: int) -> str:
    """Return the signature of a ticket class with `free` tickets at its current price."""
    return f"{free}_{offer.price:f}_{_mac(secret, offer.id, free, offer.price)}"


def check_signature(signature: str, secret: bytes, offer: TicketClassOffer, field: str) -> None:
    """Raise `Invalid` for an invalid signature, or `PriceMismatch` if the price has risen.

    The stock checks the quantity, as for orders without a signature.
    """
    try:
        quantity, price, mac = signature.split("_", 2)
        free, cost = int(quantity), Decimal(price)
    except (ValueError, ArithmeticError) as error:
        raise Invalid("this is not the signature of a ticket group", field) from error
    if not hmac.compare_digest(mac.encode(), _mac(secret, offer.id, free, cost).encode()):
        raise Invalid(f"this is not a signature of ticket class {offer.external_id}", field)
    if offer.price > cost:
        raise PriceMismatch(
            f"the price of ticket class {offer.external_id} has risen from {cost:f} to {offer.price:f}", field
        )


def _mac(secret: bytes, ticket_class_id: str, free: int, price: Decimal) -> str:
    message = f"ticket group {ticket_class_id} {free} {price:f}".encode()
    return urlsafe_b64encode(hmac.digest(secret, message, sha256)).rstrip(b"=").decode()
