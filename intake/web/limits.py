"""How much one connection may send, how long it may take, and how many there may be."""

from dataclasses import dataclass
from typing import Final

from worker.runtime.settings import Settings

MAX_URL: Final = 8 * 1024
"""Bytes of a URL; the lists' filters take a few hundred."""

MAX_PIPELINED: Final = 16
"""Requests that may wait on one connection behind the one that is answered."""

MAX_PIECES: Final = 16_384
"""Reads or chunks that a body may come in: a body of 1 MiB in pieces of 64 bytes."""

DISCARDED_BODIES: Final = 16
"""A body that is too long is read on, and thrown away, up to so many times what it may be."""

HELD_BYTES: Final = 64 * 1024 * 1024
"""Bytes of bodies that are still on their way, of all connections; then the oldest give way."""

SPARE_SHARE: Final = 16
"""One connection in so many is kept for health checks when all others work."""


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits of one intake process; sizes in bytes, times in seconds."""

    header_bytes: int
    headers: int
    header_seconds: float
    body_bytes: int
    body_seconds: float
    idle_seconds: float
    connections: int

    @property
    def wire_bytes(self) -> int:
        """How much of one body is read before the connection is closed, its chunks' framing included."""
        return (DISCARDED_BODIES + 1) * self.body_bytes

    @property
    def calls(self) -> int:
        """How many calls may be worked on at once; the other connections are for health checks."""
        return self.connections - max(1, self.connections // SPARE_SHARE)


def limits_of(settings: Settings) -> Limits:
    """Return the limits that are set."""
    return Limits(
        header_bytes=settings.max_header_bytes,
        headers=settings.max_headers,
        header_seconds=settings.header_seconds,
        body_bytes=settings.max_body_bytes,
        body_seconds=settings.body_seconds,
        idle_seconds=settings.idle_seconds,
        connections=settings.max_connections,
    )
