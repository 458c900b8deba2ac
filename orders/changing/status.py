"""The statuses of orders: the allowed transitions, and the requests that each status allows."""

from collections.abc import Mapping
from typing import Final

from orders.errors import NotAllowedInStatus
from orders.state import OrderState
from schemas.order_fields import OrderStatus
from schemas.requests import EXPIRE
from willcall.kinds import CANCEL, CHECK_IN, PAY, UPDATE

ALLOWED: Final[Mapping[OrderStatus, frozenset[OrderStatus]]] = {
    "placed": frozenset({"cancelled"}),
    "cancelled": frozenset({"refunded"}),
    "refunded": frozenset(),
}
"""The allowed transitions."""

CHANGEABLE: Final[Mapping[OrderStatus, frozenset[str]]] = {
    "placed": frozenset({UPDATE, CANCEL, PAY, CHECK_IN, EXPIRE}),
    # Cancelling again is allowed and changes nothing; payments may still come and go. Check-ins are allowed
    # so that the gate learns that the tickets are voided.
    "cancelled": frozenset({CANCEL, PAY, CHECK_IN, EXPIRE}),
    "refunded": frozenset({CANCEL, CHECK_IN, EXPIRE}),
}
"""The requests that each status allows."""


def check_changeable(status: OrderStatus, kind: str) -> None:
    """Raise `NotAllowedInStatus` if this status does not allow requests of this kind."""
    if kind not in CHANGEABLE[status]:
        raise NotAllowedInStatus(f"the order is {status}: {kind} is no longer allowed", "order_id")


def moved(status: OrderStatus, to: OrderStatus) -> OrderStatus:
    """Return the next status. Raises `NotAllowedInStatus`."""
    if to not in ALLOWED[status]:
        raise NotAllowedInStatus(f"the order is {status} and cannot become {to}", "order_id")
    return to


def close_refunded(order: OrderState) -> None:
    """Set a cancelled order `refunded` once all payments are refunded, in whichever order that happens."""
    row = order.row
    if row.status == "cancelled" and row.payment_status == "refunded":
        order.set(row._replace(status=moved(row.status, "refunded")))
