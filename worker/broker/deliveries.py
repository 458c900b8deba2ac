"""Deliveries and the source that they come from, the same for every broker."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

MAX_BATCH_BYTES: Final = 4 * 1024 * 1024
"""Approximate maximum bytes of the message bodies in a batch: the last message may exceed it."""


class SourceLost(Exception):
    """The broker does not answer, or closed the channel; unacknowledged messages are redelivered."""


@dataclass(slots=True)  # not frozen, which triples the time to make one
class Delivery:
    """An unacknowledged message: `tag` acknowledges it, `count` says how often it was delivered.

    `requests` is the count from its header: a request that is more work than a small order counts as several.
    `headers`, `content_type` and `content_encoding` are its producer's. `is_expired` says that the broker
    dead-lettered it because its time to live was over.
    """

    tag: Any
    task: str
    message_id: str
    body: bytes
    requests: int
    count: int = 1
    dead_reason: str | None = None
    headers: Mapping[str, Any] = field(default_factory=dict)
    content_type: object = None
    content_encoding: object = None
    is_expired: bool = False

    @property
    def size(self) -> int:
        """Return the bytes that count for a batch; a compressed body, of unknown size, fills one."""
        return MAX_BATCH_BYTES if self.headers.get("compression") else len(self.body)


class Source(Protocol):
    """A broker from which messages are taken; for one thread."""

    def take(self, limit: int, timeout_seconds: float) -> list[Delivery]:
        """Return a batch of about `limit` requests; wait for a message if there is none."""

    def read_ahead(self, limit: int) -> None:
        """Begin to fetch the next batch while the caller processes this one."""

    def acknowledge(self, deliveries: Sequence[Delivery]) -> None:
        """Acknowledge messages whose effects are committed: the oldest ones taken."""

    def keep(self, deliveries: Sequence[Delivery]) -> None:
        """Tell the broker that this worker is alive and still processes these."""

    def oldest(self) -> dict[str, float]:
        """Return when the oldest unacknowledged message was sent (Unix seconds), by queue.

        Called from another thread. Messages whose producers do not say so are left out.
        """

    def abort(self) -> None:
        """Make a call that hangs in the broker's socket fail; called from another thread."""

    def close(self) -> None:
        """Return all unacknowledged messages at once, and disconnect."""


def count_requests(header: object) -> int:
    """Return the count of requests in a message's header, or 1 if another producer left it out."""
    return header if isinstance(header, int) and 1 <= header <= 500 else 1
