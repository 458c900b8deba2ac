"""Opening the order that a request changes."""

from orders.batch_requests import ChangeOrder
from orders.changing.status import check_changeable
from orders.errors import NotYet, VersionConflict
from orders.state import OrderState
from orders.world import World


def open_order(world: World, request: ChangeOrder) -> OrderState:
    """Return the order that the request names, if its status and its version allow the request.

    Raises `UnknownOrder`, `NotAllowedInStatus`, `VersionConflict`, or `NotYet` for a version that may still
    come.
    """
    order = world.order_of(request)
    request.order_id = order.id
    check_changeable(order.row.status, request.request.kind)
    _check_version(request, order)
    return order


def _check_version(request: ChangeOrder, order: OrderState) -> None:
    body, version = request.body, order.row.version
    if not body.versions or version in body.versions:
        return
    field = "expected_version" if body.expected_versions is None else "expected_versions"
    latest = max(body.versions)
    if latest > version:
        # The change that creates that version is on its way.
        raise NotYet(VersionConflict(f"the order did not reach version {latest} in time", field), order.id)
    expected = latest if len(body.versions) == 1 else "one of the expected versions"
    raise VersionConflict(f"the order has version {version}, not {expected}", field)
