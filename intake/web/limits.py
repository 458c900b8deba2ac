"""Limits on connections: what each may send, how long it may take, and how many there may be."""

from dataclasses import dataclass
from typing import Final

from worker.runtime.settings import Settings

MAX_URL: Final = 8 * 1024
"""Maximum bytes of a URL; the lists' filters take a few hundred."""

MAX_PIPELINED: Final = 16
"""Maximum number of requests waiting on one connection behind the current one."""

MAX_PIECES: Final = 16_384
"""Maximum number of reads or chunks of a body: 1 MiB in pieces of 64 bytes."""

DISCARDED_BODIES: Final = 16
"""A body that is too long is read and discarded up to this multiple of its maximum length."""

HELD_BYTES: Final = 64 * 1024 * 1024
"""Maximum bytes of incomplete bodies, of all connections; beyond it the oldest are closed."""

SPARE_SHARE: Final = 16
"""One connection in this many is reserved for health checks."""


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
        """Bytes of one body that are read before the connection is closed, including chunk framing."""
        return (DISCARDED_BODIES + 1) * self.body_bytes

    @property
    def calls(self) -> int:
        """The number of calls processed at once; the other connections are for health checks."""
        return self.connections - max(1, self.connections // SPARE_SHARE)


def limits_of(settings: Settings) -> Limits:
    """Return the limits from the settings."""
    return Limits(
        header_bytes=settings.max_header_bytes,
        headers=settings.max_headers,
        header_seconds=settings.header_seconds,
        body_bytes=settings.max_body_bytes,
        body_seconds=settings.body_seconds,
        idle_seconds=settings.idle_seconds,
        connections=settings.max_connections,
    )
