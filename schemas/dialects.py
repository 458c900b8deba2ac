"""The dialects' names, and what an order keeps of a dialect's words that have no canonical home."""

from typing import Annotated, Any, Final, Literal, get_args

import orjson
from pydantic import AfterValidator
from pydantic_core import PydanticCustomError

DialectName = Literal["zoho_backstage", "ticket_evolution", "acme", "eventbookings"]
DIALECT_NAMES: Final[tuple[str, ...]] = get_args(DialectName)

MAX_EXTRAS_BYTES: Final = 64 * 1024


def _storable(extras: dict[DialectName, dict[str, Any]]) -> dict[DialectName, dict[str, Any]]:
    try:
        size = len(orjson.dumps(extras))
    except (TypeError, ValueError) as error:
        raise PydanticCustomError("extras", "the extras are not JSON that can be stored") from error
    if size > MAX_EXTRAS_BYTES:
        raise PydanticCustomError("extras", "the extras are longer than 64 KiB of JSON")
    return extras


Extras = Annotated[dict[DialectName, dict[str, Any]], AfterValidator(_storable)]
"""What dialects say of an order and the canonical words do not, by the dialect's name; 64 KiB at most."""
