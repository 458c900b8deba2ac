"""A request on its way: what the intake adds to the words of the producer."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from schemas.outcomes import Rejection

CREATE: Final = "orders.create"
UPDATE: Final = "orders.update"
CANCEL: Final = "orders.cancel"
PAY: Final = "payments.record"
CHECK_IN: Final = "tickets.check_in"
TAKE: Final = "holds.take"
EXTEND: Final = "holds.extend"
RELEASE: Final = "holds.release"
EXPIRE: Final = "orders.expire"
"""What the schedule proposes for orders that nobody paid in time; it is no task of the queue."""

CHANGES: Final = frozenset({UPDATE, CANCEL, PAY, CHECK_IN})
"""What is done to an order that is there."""

HOLDS: Final = frozenset({TAKE, EXTEND, RELEASE})
"""What is done to inventory that is set aside."""

KINDS: Final = frozenset({CREATE, *CHANGES, *HOLDS})
"""The tasks of the queue `orders`."""

MAX_REQUESTS_PER_MESSAGE: Final = 500
"""Requests in one message; a larger message is refused whole."""

ENVELOPE_FIELDS: Final = frozenset(
    {"tenant", "request_id", "may_set_price", "by", "dialect", "seen_version", "not_after", "mistakes"}
)
"""Fields that travel with a request and are not part of its body (nor of its hash)."""


@dataclass(frozen=True, slots=True)
class Request:
    """One request of a message.

    `request_id` is the intake's, or derived from the message when the producer gave none;
    `may_set_price` is false only for HTTP callers without the scope `orders.set_price`. `by` is who sent
    it, for the order's history: an API key's id, or nothing for who published on the queue. `mistakes`
    are why the request cannot be taken, whatever its body says: a field of its envelope is malformed, or
    the body has no canonical words and is still in those of its dialect. They travel with a request that
    is kept, for without them it would be taken at the next try. `seen_version` is the version that the order
    had when the request was accepted: changes up to it came first, whatever the clocks of the intakes say.
    After `not_after` the producer does not want it any more. `call_id` names the call of the intake that it
    came by, for logs; it is not kept with a request that waits. `order_numbers` are the numbers of the order
    that it makes, and of a purchase order made with that: a replay after a restore gives them again.
    """

    kind: str
    request_id: UUID
    tenant: str
    may_set_price: bool
    body: Mapping[str, Any]
    by: str | None = None
    mistakes: tuple[Rejection, ...] = ()
    seen_version: int | None = None
    not_after: datetime | None = None
    call_id: str | None = None
    order_numbers: tuple[int, ...] = ()
