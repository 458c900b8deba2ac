"""A world made by hand, and requests about it."""

from typing import Any

from orders.holding.take import take
from orders.journal import RowDiff
from orders.rows import HoldRow
from orders.state import OrderState
from orders.world import World
from schemas.requests import Request
from tests.factories import NOW, make_change
from tests.orders.worlds import make_tenant, opened
from willcall.kinds import TAKE


def net(world: World, mark: int) -> dict[str, list[RowDiff]]:
    """Return what was changed since, but for the seat maps: they are never written."""
    found = world.journal.net(mark)
    found.pop("seat maps", None)
    return found


def make_hold(world: World, **words: Any) -> HoldRow:
    body: dict[str, Any] = {"ticket_class_id": "standing", "quantity": 2} | words
    request: Any = opened(world, make_change(TAKE, **body))
    take(world, request, NOW)
    return world.holds[request.id]


def on(order: OrderState, kind: str, **words: Any) -> Request:
    return make_change(kind, order_id=order.id, **words)


def ask(world: World, request: Request, **changes: Any) -> Any:
    return opened(world, request, tenant=make_tenant(**changes) if changes else None)


def level(world: World) -> tuple[int, int, int]:
    """Return what is free, sold and held of the only ticket class."""
    (found,) = world.stock.levels.values()
    return found.free, found.sold, found.held
