"""Keys that sort by the time of their making (UUIDv7, RFC 9562), so that new rows lie together."""

from uuid import UUID

from uuid_utils import uuid7


def new_id() -> UUID:
    """Return a new key."""
    return UUID(int=uuid7().int)


def new_ids(count: int) -> list[str]:
    """Return so many new keys, ascending, as text: what a batch writes into many rows is text already."""
    return [str(uuid7()) for _ in range(count)]
