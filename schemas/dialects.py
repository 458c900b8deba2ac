"""The dialects' names, and what an order keeps of a dialect's words that have no canonical home."""

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
"""Levels of arrays and objects; what reads and writes whole orders stops at about 200 (pydantic, orjson)."""

SEARCHED_EXTRAS: Final[tuple[tuple[DialectName, str], ...]] = (
    ("acme", "visitorId"),
    ("acme", "tempVisitorId"),
)
"""Extras that orders are found by: they stand in an index, whose rows PostgreSQL keeps below 2,704 bytes."""

MAX_SEARCHED: Final = 200

DELETED_IN_ACME: Final = "deleted by a client of ACME"
"""Why an order was cancelled that a client of ACME deleted: such a client does not see it any more."""

# PostgreSQL stores JSON with this escape, but reads no part of it. A backslash may itself be escaped.
_NUL: Final = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")


def _storable(extras: dict[DialectName, dict[str, Any]]) -> dict[DialectName, dict[str, Any]]:
    try:
        written = orjson.dumps(extras)
    except (TypeError, ValueError) as error:
        raise PydanticCustomError("extras", "the extras are not JSON that can be stored") from error
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
"""What dialects say of an order and the canonical words do not, by the dialect's name; 64 KiB at most."""
