"""A request in transit: the producer's body with the intake's envelope."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

from schemas.outcomes import Rejection

EXPIRE: Final = "orders.expire"
"""The schedule requests it for orders that were not paid in time; it is not a task of the queue."""

MAX_REQUESTS_PER_MESSAGE: Final = 500
"""Maximum requests in one message; a larger message is refused as a whole."""

ENVELOPE_FIELDS: Final = frozenset(
    {"tenant", "request_id", "may_set_price", "by", "dialect", "seen_version", "not_after", "mistakes"}
)
"""Envelope fields: sent with a request, but not part of its body or its hash."""


class Request(NamedTuple):
    """One request of a message.

    - `request_id` is the intake's, or derived from the message if the producer sent none.
    - `may_set_price` is false only for HTTP callers without the scope `orders.set_price`.
    - `by` is the sender, for the order's history: an API key's id, or None for producers on the queue.
    - `mistakes` refuse the request whatever its body says: a field of its envelope is malformed, or the body
      could not be translated and is still in its dialect. They are stored with a waiting request; without
      them its next attempt would be accepted.
    - `seen_version` is the order's version when the request was accepted: changes up to it come first,
      whatever the clocks of the intakes say.
    - `not_after` is the moment after which the producer no longer wants the request processed.
    - `call_id` identifies the intake's call in logs, and `traceparent` is the producer's trace context, read
      only if tracing is on; neither is stored with a waiting request.
    - `order_numbers` are the numbers of the order that the request creates, and of its purchase order: a
      replay after a restore assigns them again.
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
    traceparent: str | None = None
    order_numbers: tuple[int, ...] = ()
