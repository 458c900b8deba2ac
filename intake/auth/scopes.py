"""Scopes of keys, as narrow as jobs; each is enforced where a call is accepted."""

from collections.abc import Mapping
from typing import Final, Literal, get_args

Scope = Literal[
    "orders.create",
    "orders.read",
    "orders.update",
    "orders.set_price",
    "payments.record",
    "holds",
    "tickets.check_in",
    "catalogue.read",
    "events.read",
    "admin",
]
SCOPES: Final[tuple[Scope, ...]] = get_args(Scope)

SENDS: Final[tuple[Scope, ...]] = (
    "orders.create",
    "orders.update",
    "payments.record",
    "holds",
    "tickets.check_in",
)
"""The scopes of calls that become requests: each also permits reading outcomes, which hold no order."""

OUTCOMES: Final[tuple[Scope, ...]] = ("orders.read", *SENDS)

MEANINGS: Final[Mapping[Scope, str]] = {
    "orders.create": "create orders, with the payments that come with them, at the catalogue's prices",
    "orders.read": "read orders, their history and documents; without it, answers are outcomes",
    "orders.update": "change and cancel orders, without making them cheaper than they were sold",
    "orders.set_price": "with create, update or holds: sell at any price, discount and tax",
    "payments.record": "record payments and refunds of orders",
    "holds": "take, extend, release and read holds",
    "tickets.check_in": "check tickets in at the gate",
    "catalogue.read": "read what is on sale",
    "events.read": "read the event feed",
    "admin": "all of these",
}
