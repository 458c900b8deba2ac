"""Keys that sort by the time of their making (UUIDv7, RFC 9562), so that new rows lie together."""

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from uuid_utils import uuid7

_MAX_CLOCK_SKEW: Final = timedelta(minutes=5)


def new_id() -> UUID:
    """Return a new key."""
    return UUID(int=uuid7().int)


def new_ids(count: int) -> list[str]:
    """Return so many new keys, ascending, as text: what a batch writes into many rows is text already."""
    return [str(uuid7()) for _ in range(count)]


def is_recent(id_: UUID, now: datetime, within: timedelta) -> bool:
    """Say whether the id is one of ours by its form, a UUIDv7, and was made lately.

    Its first 48 bits are the milliseconds since 1970 (RFC 9562, 5.7).
    """
    if id_.version != 7:
        return False
    age_ms = now.timestamp() * 1000 - (id_.int >> 80)
    return -_MAX_CLOCK_SKEW <= timedelta(milliseconds=age_ms) < within
