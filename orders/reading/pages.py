"""Pages of lists by id, newest first: a cursor is the last id of a page."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Final
from uuid import UUID

MAX_PAGE: Final = 200
DEFAULT_PAGE: Final = 50


class BadCursor(Exception):
    """The cursor is invalid."""


def cursor_after(last_id: UUID) -> str:
    """Return the cursor of the page that begins after this id."""
    return urlsafe_b64encode(last_id.bytes).rstrip(b"=").decode()


def id_before(cursor: str) -> UUID:
    """Return the id after which the page begins. Raises `BadCursor`."""
    try:
        return UUID(bytes=urlsafe_b64decode(cursor + "=="))
    except ValueError as error:
        raise BadCursor("the cursor is not one that a page gave") from error
