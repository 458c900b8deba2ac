"""The fourth step: for each request, the pure function of its kind changes the world or rejects.

The requests are decided in the order of their arrival, whatever their kinds. A rejected request leaves no
trace in the world. A request that arrived before the order or hold that it names is decided again after the
others.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from pydantic import ValidationError

from orders.batch_requests import CreateOrder, Opened
from orders.changing.cancel import cancel
from orders.changing.check_in import check_in
from orders.changing.expire import expire
from orders.changing.pay import pay
from orders.changing.update import update
from orders.creating.create import create
from orders.errors import NotYet, RejectedRequest
from orders.holding.extend import extend
from orders.holding.release import release
from orders.holding.take import take
from orders.running_hold import end_late
from orders.world import World
from schemas.outcomes import rejections_of
from schemas.requests import EXPIRE
from willcall.kinds import CANCEL, CHECK_IN, CREATE, EXTEND, PAY, RELEASE, TAKE, UPDATE

Decision = Callable[[World, Any, datetime], None]

DECIDE: Final[Mapping[str, Decision]] = {
    CREATE: create,
    UPDATE: update,
    CANCEL: cancel,
    PAY: pay,
    EXPIRE: expire,
    CHECK_IN: check_in,
    TAKE: take,
    EXTEND: extend,
    RELEASE: release,
}
"""The function that decides requests of each kind, and takes that kind's type of `orders.batch_requests`."""


_ROUNDS: Final = 20
"""Maximum rounds for early requests: a batch in reverse order would otherwise need 500."""


def decide(world: World, requests: Sequence[Opened], now: datetime) -> None:
    """Decide the requests; each is then done, rejected, or waiting (`too_early`)."""
    world.begin({one.id: one.new_order_id if isinstance(one, CreateOrder) else None for one in requests})
    end_late(world, now)
    waiting: Sequence[Opened] = requests
    for _ in range(_ROUNDS):
        left = [request for request in waiting if not _is_decided(world, request, now)]
        if not left or len(left) == len(waiting):
            break
        # Something has happened that they may have waited for.
        waiting = left


def _is_decided(world: World, request: Opened, now: datetime) -> bool:
    """Decide a request and return True, or False if it has to wait."""
    mark = world.journal.mark()
    request.too_early = None
    try:
        DECIDE[request.request.kind](world, request, now)
    except NotYet as error:
        world.journal.undo(mark)
        request.too_early = error.with_traceback(None)  # which would keep the frames alive
        return False
    except RejectedRequest as error:
        world.journal.undo(mark)
        request.reject(error)
    except ValidationError as error:
        world.journal.undo(mark)
        request.rejections = rejections_of(error)
    world.end(request)
    return True
