"""Reading RabbitMQ's messages. Publishers may write any header, also those that the broker writes."""

from collections.abc import Mapping
from typing import Any, Final

from willcall.queues import PROBE
from worker.broker.deliveries import Delivery, count_requests

_LONGEST_REASON: Final = 200  # characters
_EXPIRED: Final = "expired"


def read_message(message: Any, tag: object) -> Delivery:
    """Return the delivery of a message from a queue of orders."""
    return _read(message, tag)


def read_dead_message(message: Any, tag: object) -> Delivery:
    """Return the delivery of a message that the broker dead-lettered, with the reason.

    An expired message is no dead letter: its producer wanted it to expire.
    """
    reason = death_of(message.headers or {})
    if reason == _EXPIRED:
        return _read(message, tag, is_expired=True)
    return _read(message, tag, dead_reason=f"the broker dead-lettered it: {reason}")


def _read(message: Any, tag: object, *, dead_reason: str | None = None, is_expired: bool = False) -> Delivery:
    headers = message.headers or {}
    body = message.body
    return Delivery(
        tag=tag,
        task=str(headers.get("task", "")),
        message_id=str(headers.get("id", "")),
        body=body.encode() if isinstance(body, str) else bytes(body),
        requests=count_requests(headers.get("willcall_requests")),
        # Quorum queues count how often a message was returned.
        count=returns_of(headers) + 1,
        dead_reason=dead_reason,
        headers=headers,
        content_type=message.content_type,
        content_encoding=message.content_encoding,
        is_expired=is_expired,
    )


def is_probe(headers: Mapping[str, Any] | None) -> bool:
    """Tell whether a message is a probe of dead-lettering (`worker.broker.safety`), without an order."""
    return headers is not None and PROBE in headers


def death_of(headers: Mapping[str, Any]) -> str:
    """Return why the broker dead-lettered a message: the first table of `x-death` has the last death."""
    deaths = headers.get("x-death")
    first = deaths[0] if isinstance(deaths, list) and deaths else None
    reason = first.get("reason") if isinstance(first, Mapping) else None
    return reason[:_LONGEST_REASON] if isinstance(reason, str) and reason else "unknown"


def returns_of(headers: Mapping[str, Any]) -> int:
    """Return how often a message was returned to its queue, from its `x-delivery-count`."""
    count = headers.get("x-delivery-count", 0)
    return count if isinstance(count, int) and 0 <= count < 2**31 else 0
