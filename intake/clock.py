"""Ids of requests, and the time."""

from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

_MAX_CLOCK_SKEW: Final = timedelta(minutes=5)


def is_recent(id_: UUID, now: datetime, within: timedelta) -> bool:
    """Say whether the id is one of ours by its form, a UUIDv7, and was made lately.

    Its first 48 bits are the milliseconds since 1970 (RFC 9562, 5.7).
    """
    if id_.version != 7:
        return False
    age_ms = now.timestamp() * 1000 - (id_.int >> 80)
    return -_MAX_CLOCK_SKEW <= timedelta(milliseconds=age_ms) < within


def utc_now() -> datetime:
    """Return the time."""
    return datetime.now(UTC)
