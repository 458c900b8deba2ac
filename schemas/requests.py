"""A request on its way: what the intake adds to the words of the producer."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

CREATE: Final = "orders.create"

MAX_REQUESTS_PER_MESSAGE: Final = 500
"""Requests in one message; a larger message is refused whole."""

ENVELOPE_FIELDS: Final = frozenset({"tenant", "request_id", "may_set_price"})
"""Fields that travel with a request and are not part of its body (nor of its hash)."""


@dataclass(frozen=True, slots=True)
class Request:
    """One request of a message.

    `request_id` is the intake's, or derived from the message when the producer gave none;
    `may_set_price` is false only for HTTP callers without the scope `orders.set_price`.
    """

    kind: str
    request_id: UUID
    tenant: str
    may_set_price: bool
    body: Mapping[str, Any]
