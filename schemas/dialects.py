"""The dialects' names, and the extras: a dialect's fields that have no canonical counterpart."""

import re
from typing import Annotated, Any, Final, Literal

import orjson
from pydantic import AfterValidator
from pydantic_core import PydanticCustomError

from schemas.nesting import is_deeper_than
from schemas.text import UNSTORABLE

DialectName = Literal["zoho_backstage", "ticket_evolution", "acme", "eventbookings"]

MAX_EXTRAS_BYTES: Final = 64 * 1024
MAX_EXTRAS_DEPTH: Final = 100
"""Levels of arrays and objects; pydantic and orjson, which handle whole orders, stop at about 200."""

SEARCHED_EXTRAS: Final[tuple[tuple[DialectName, str], ...]] = (
    ("acme", "visitorId"),
    ("acme", "tempVisitorId"),
)
"""Extras that orders are found by: they are indexed, and PostgreSQL limits index rows to 2,704 bytes."""

MAX_SEARCHED: Final = 200

DELETED_IN_ACME: Final = "deleted by a client of ACME"
"""The cancellation reason of an order that a client of ACME deleted: its clients no longer see it."""

# PostgreSQL stores JSON with this escape, but reads no part of it. A backslash may itself be escaped.
_NUL: Final = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")


def _storable(extras: dict[DialectName, dict[str, Any]]) -> dict[DialectName, dict[str, Any]]:
    try:
        written = orjson.dumps(extras)
    except (TypeError, ValueError) as error:
        raise PydanticCustomError("extras", "the extras must be JSON that can be stored") from error
    if is_deeper_than(MAX_EXTRAS_DEPTH, extras):
        raise PydanticCustomError("extras", "the extras are nested too deeply")
    if len(written) > MAX_EXTRAS_BYTES:
        raise PydanticCustomError("extras", "the extras are longer than 64 KiB of JSON")
    if _NUL.search(written) is not None:
        raise PydanticCustomError("extras", UNSTORABLE)
    for dialect, name in SEARCHED_EXTRAS:
        value = extras.get(dialect, {}).get(name)
        if len(value if isinstance(value, str) else orjson.dumps(value)) > MAX_SEARCHED:
            raise PydanticCustomError(
                "extras",
                "{name} has at most {length} characters",
                {"name": f"{dialect}.{name}", "length": MAX_SEARCHED},
            )
    return extras


Extras = Annotated[dict[DialectName, dict[str, Any]], AfterValidator(_storable)]
"""Fields of dialects that have no canonical counterpart, by the dialect's name; at most 64 KiB."""
