"""`holds.extend`: extend a hold until another moment, or until it is released."""

from datetime import datetime

from orders.batch_requests import ExtendHold
from orders.holding.take import check_future
from orders.world import World


def extend(world: World, request: ExtendHold, now: datetime) -> None:
    """Set the end of a running hold.

    Raises `HoldExpired`, `SalesClosed`, or `Invalid` for a moment in the past.
    """
    body = request.body
    check_future(body.expires_at, now)
    hold = world.running_hold(str(body.hold_id), request.tenant.id, now, "hold_id")
    offer = world.offer(hold.tenant_id, world.class_ids[hold.ticket_class_id])
    if offer is not None:
        offer.event.check_on_sale(now, "hold_id")
    world.holds.put(hold.id, hold._replace(expires_at=body.expires_at, updated_at=now))
