"""What may happen in which status: nothing else sets one, and nothing else decides what is allowed."""

from collections.abc import Mapping
from typing import Final

from orders.errors import NotAllowedInStatus
from orders.state import OrderState
from schemas.order_fields import OrderStatus
from schemas.requests import CANCEL, CHECK_IN, EXPIRE, PAY, UPDATE

ALLOWED: Final[Mapping[OrderStatus, frozenset[OrderStatus]]] = {
    "placed": frozenset({"cancelled"}),
    "cancelled": frozenset({"refunded"}),
    "refunded": frozenset(),
}
"""From which status an order goes to which."""

CHANGEABLE: Final[Mapping[OrderStatus, frozenset[str]]] = {
    "placed": frozenset({UPDATE, CANCEL, PAY, CHECK_IN, EXPIRE}),
    # Cancelling again changes nothing and is no mistake; money may still come and go. All tickets are
    # voided, and that is what the gate is to hear of them.
    "cancelled": frozenset({CANCEL, PAY, CHECK_IN, EXPIRE}),
    "refunded": frozenset({CANCEL, CHECK_IN, EXPIRE}),
}
"""Which requests an order takes."""


def check_changeable(status: OrderStatus, kind: str) -> None:
    """Raise `NotAllowedInStatus` if an order in this status does not take requests of this kind."""
    if kind not in CHANGEABLE[status]:
        raise NotAllowedInStatus(f"the order is {status}: {kind} is not possible any more", "order_id")


def moved(status: OrderStatus, to: OrderStatus) -> OrderStatus:
    """Return the next status. Raises `NotAllowedInStatus`."""
    if to not in ALLOWED[status]:
        raise NotAllowedInStatus(f"the order is {status} and cannot become {to}", "order_id")
    return to


def close_refunded(order: OrderState) -> None:
    """Let a cancelled order be `refunded` once all that was paid went back, whichever came first."""
    row = order.row
    if row.status == "cancelled" and row.payment_status == "refunded":
        order.set(row._replace(status=moved(row.status, "refunded")))
