"""Which update of an order comes first, without clocks.

Each update has a place, a 128-bit number: its request's id, which contains the time (UUIDv7, RFC 9562), or
the number after the largest place among the changes that its sender may have seen, if that is larger. So an
update that was sent after another's outcome was seen always comes after it, whatever the clocks of the
intakes say, and concurrent updates come in the order of their acceptance. This is Lamport's logical clock
(1978), with the acceptance as its tick.

When an update is decided late, the updates after its place are applied again.
"""

from collections.abc import Iterable
from typing import Final
from uuid import UUID

from db.ids import is_dated
from orders.batch_requests import ChangeOrder
from orders.rows import ChangeRow
from orders.state import OrderState

_FIRST: Final = str(UUID(int=0))


def place_of(order: OrderState, request: ChangeOrder) -> str:
    """Return the place of a request to decide: a UUID as text, which sorts like its number."""
    seen = _seen_version(order, request)
    places = [UUID(change.place).int for change in _placed(order) if change.change_number <= seen]
    if not places:
        return request.id if is_dated(request.id) else _FIRST
    accepted = request.request.request_id.int if is_dated(request.id) else 0
    return str(UUID(int=max(accepted, max(places) + 1)))


def later_changes(order: OrderState, request: ChangeOrder, place: str) -> list[ChangeRow]:
    """Return the already decided changes after this place, in the order of their places."""
    seen = _seen_version(order, request)
    later = [
        change
        for change in _placed(order)
        if change.change_number > seen and (change.place, change.request_id) > (place, request.id)
    ]
    return sorted(later, key=lambda change: (change.place, change.request_id))


def _seen_version(order: OrderState, request: ChangeOrder) -> int:
    """Return the last version of the order that the sender may have seen."""
    if not is_dated(request.id):
        return order.row.version
    # Of several expected versions the order has one now, and later ones do not exist yet.
    return max(*request.body.versions, request.request.seen_version or 0, 0)


def _placed(order: OrderState) -> Iterable[ChangeRow]:
    return [change for change in order.changes.values() if change.place is not None]
