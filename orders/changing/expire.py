"""`orders.expire`: an order that nobody ever paid in full, and whose time to pay is over, is cancelled."""

from datetime import datetime

from orders.batch_requests import ExpireOrder
from orders.changing.cancel import cancel_whole
from orders.changing.open_order import open_order
from orders.world import World


def expire(world: World, request: ExpireOrder, now: datetime) -> None:
    """Cancel the order, if that is still so under its lock; the schedule only proposes it.

    Raises `NotAllowedInStatus` where a ticket was used.
    """
    order = open_order(world, request)
    row = order.row
    due = row.expires_at
    if due is None or due > now or not request.tenant.cancels_unpaid:
        return
    cancel_whole(world, request, order, f"not paid until {due.isoformat()}", now)
