"""The order that a request changes, if it may."""

from orders.changing.status import check_changeable
from orders.errors import NotYet, VersionConflict
from orders.requests import ChangeOrder
from orders.state import OrderState
from orders.world import World


def open_order(world: World, request: ChangeOrder) -> OrderState:
    """Return the order that the request names, in a status and a version that allow it.

    Raises `UnknownOrder`, `NotAllowedInStatus`, `VersionConflict`, or `NotYet` for what may still come.
    """
    order = world.order_of(request)
    request.order_id = order.id
    check_changeable(order.row.status, request.request.kind)
    expected, version = request.body.expected_version, order.row.version
    if expected is not None and expected > version:
        # What makes that version is on its way.
        answer = VersionConflict(f"the order did not come to version {expected}", "expected_version")
        raise NotYet(answer, order.id)
    if expected is not None and expected < version:
        raise VersionConflict(f"the order has version {version}, not {expected}", "expected_version")
    return order
