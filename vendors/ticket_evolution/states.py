"""The vendor's states of an order, and our statuses for them; docs/ticket-evolution.md has the table."""

from collections.abc import Mapping
from typing import Final, Literal
from uuid import UUID

from schemas.background import RelatedOrder
from schemas.orders import Order

State = Literal[
    "accepted",
    "cancel_proposed",
    "canceled",
    "canceled_open",
    "canceled_post_acceptance",
    "completed",
    "open",
    "pending",
    "pending_consignment",
    "pending_substitution",
    "rejected",
]
"""All states that the vendor's clients know; `state_of` returns those of orders."""

REJECTED: Final[State] = "rejected"
"""The state of a refused order."""


def state_of(order: Order, related: Mapping[UUID, RelatedOrder]) -> State:
    """Return the state of an order."""
    if order.status != "placed":
        return "canceled"
    if order.fraud_check is not None and order.fraud_check.verdict == "review":
        return "open"
    if _is_without_tickets(order, related):
        return "pending_substitution"
    return "completed" if order.check_in.status == "checked_in" else "accepted"


def _is_without_tickets(order: Order, related: Mapping[UUID, RelatedOrder]) -> bool:
    """Return whether a sale's purchase order was cancelled and not replaced."""
    if order.trade is None or order.trade.is_purchase or order.trade.counterpart_id is None:
        return False
    purchase = related.get(order.trade.counterpart_id)
    return purchase is not None and purchase.status != "placed" and not purchase.replaced_by
