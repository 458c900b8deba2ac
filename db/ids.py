"""Keys that sort by their time of creation (UUIDv7, RFC 9562), so that new rows are close together."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from hashlib import blake2b
from itertools import count
from typing import Final
from uuid import UUID

from uuid_utils import uuid7

_MAX_CLOCK_SKEW: Final = timedelta(minutes=5)
_LATEST_MS: Final = 2**48 - 1
_VERSION: Final = 14
_VARIANT: Final = 19
"""The positions of the version and the variant in a UUID's text (RFC 9562, 4.1 and 4.2)."""


def new_id() -> UUID:
    """Return a new key of a row; `willcall.ids.new_request_id` makes those of requests."""
    return UUID(int=uuid7().int)


def new_ids(count: int) -> list[str]:
    """Return `count` new keys, ascending, as text, which is what bulk writes need."""
    return [str(uuid7()) for _ in range(count)]


def ids_of_request(request_id: str, now: datetime, what: str, *, after_ms: int = 0) -> Iterator[str]:
    """Yield keys for the rows that a request creates, ascending: the same each time it is decided.

    They have the form of a UUIDv7, and sort like the requests' ids. Their time is that of the request's id,
    or `now` if it has none, and more than `after_ms` (milliseconds since 1970). Their last 32 bits are a
    digest of the whole id and of `what` is created, and a number.
    """
    if not is_dated(request_id):
        request_id = _dated(request_id, now)
    start = request_id[:28]
    if time_of(request_id) <= after_ms:
        time = f"{min(after_ms + 1, _LATEST_MS):012x}"
        start = f"{time[:8]}-{time[8:]}{request_id[13:28]}"
    for block in count():
        digest = blake2b(f"{request_id}/{what}/{block}".encode(), digest_size=2).hexdigest()
        for number in range(1 << 16):
            yield f"{start}{digest}{number:04x}"


def _dated(id_: str, now: datetime) -> str:
    """Return an id with the time, and a digest of the given id as the rest."""
    time = f"{int(now.timestamp() * 1000):012x}"
    digest = blake2b(id_.encode(), digest_size=10).hexdigest()
    variant = "89ab"[int(digest[3], 16) & 3]
    return f"{time[:8]}-{time[8:]}-7{digest[:3]}-{variant}{digest[4:7]}-{digest[7:19]}"


def is_dated(id_: str) -> bool:
    """Tell whether the id, a UUID as text, has a time; parsing it as a UUID would take longer."""
    return id_[_VERSION] == "7" and id_[_VARIANT] in "89ab"


def time_of(id_: str) -> int:
    """Return an id's first 48 bits: its milliseconds since 1970, if it `is_dated` (RFC 9562, 5.7)."""
    return int(id_[:8] + id_[9:13], 16)


def is_recent(id_: UUID, now: datetime, within: timedelta) -> bool:
    """Tell whether the id is a UUIDv7, like our own, and was created within the given time.

    Its first 48 bits are the milliseconds since 1970 (RFC 9562, 5.7).
    """
    if id_.version != 7:
        return False
    age_ms = now.timestamp() * 1000 - (id_.int >> 80)
    return -_MAX_CLOCK_SKEW <= timedelta(milliseconds=age_ms) < within
