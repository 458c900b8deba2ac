"""`orders.expire`: cancel an overdue order that was never paid in full."""

from datetime import datetime

from orders.batch_requests import ExpireOrder
from orders.changing.cancel import cancel_whole
from orders.changing.open_order import open_order
from orders.world import World


def expire(world: World, request: ExpireOrder, now: datetime) -> None:
    """Cancel the order if it is still overdue under its lock; the schedule only proposes it.

    Raises `NotAllowedInStatus` if a ticket was used.
    """
    order = open_order(world, request)
    row = order.row
    due = row.expires_at
    if due is None or due > now or not request.tenant.cancels_unpaid:
        return
    cancel_whole(world, request, order, f"not paid by {due.isoformat()}", now)
