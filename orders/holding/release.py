"""`holds.release`: free a hold's inventory."""

from datetime import datetime

from orders.batch_requests import ReleaseHold
from orders.running_hold import give_back
from orders.world import World


def release(world: World, request: ReleaseHold, now: datetime) -> None:
    """Free a hold's inventory; an ended hold stays unchanged. Raises `HoldExpired` for a used one."""
    hold_id = str(request.body.hold_id)
    hold = world.holds.get(hold_id)
    if hold is not None and hold.tenant_id == request.tenant.id and hold.status in ("released", "expired"):
        return
    hold = world.running_hold(hold_id, request.tenant.id, now, "hold_id")
    give_back(world, hold._replace(status="released", updated_at=now))
