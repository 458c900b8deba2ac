"""What a broker delivers in bulk, whichever broker it is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

MAX_BATCH_BYTES: Final = 4 * 1024 * 1024
"""Bytes of message bodies in one batch, about: the last message may lead beyond it."""


class SourceLost(Exception):
    """The broker does not answer, or closed the channel; what was not acknowledged comes back."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """One message in our hands: `tag` acknowledges it, `count` says how often it was delivered.

    `requests` is how many it says it carries: one that is more work than a small order counts as several.
    `headers`, `content_type` and `content_encoding` are what its producer wrote. `is_expired` says that the
    broker has given it up because its time was over.
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
        """Return the bytes that count for a batch; nobody knows how large a compressed body becomes."""
        return MAX_BATCH_BYTES if self.headers.get("compression") else len(self.body)


class Source(Protocol):
    """Where messages are taken from; one thread uses it."""

    def take(self, limit: int, timeout_seconds: float) -> list[Delivery]:
        """Return a batch of what is there, about so many requests; wait for a message if there is none."""

    def read_ahead(self, limit: int) -> None:
        """Begin to fetch the next batch while the caller works on this one."""

    def acknowledge(self, deliveries: Sequence[Delivery]) -> None:
        """Give up messages whose effects are committed: the oldest ones taken."""

    def keep(self, deliveries: Sequence[Delivery]) -> None:
        """Say that we are still alive and working on these."""

    def abort(self) -> None:
        """Let a call that hangs in the broker's socket fail; another thread calls this."""

    def close(self) -> None:
        """Return at once all that was taken and not acknowledged, and disconnect."""


def count_requests(header: object) -> int:
    """Return how many requests a message says it carries; a foreign producer's says nothing: one."""
    return header if isinstance(header, int) and 1 <= header <= 500 else 1
