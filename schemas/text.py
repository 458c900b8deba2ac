"""Bounded text that PostgreSQL can store and people can read."""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Annotated, Any, Final
from uuid import UUID

from email_validator import EmailNotValidError, validate_email
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    StringConstraints,
    WithJsonSchema,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError
from pydantic_core.core_schema import no_info_before_validator_function

# Surrogates come from JSON such as "\ud800"; neither they nor NUL can be stored as UTF-8 text.
UNSTORABLE: Final = "text must not contain the NUL character or a lone surrogate"
_UNSTORABLE: Final = re.compile("[\x00\ud800-\udfff]")

# The same for pydantic, which rejects surrogates itself: checked in its core, not in Python.
_NO_NUL: Final = r"^[^\x00]*$"


def is_storable(value: str) -> bool:
    """Return whether PostgreSQL can store the text."""
    return _UNSTORABLE.search(value) is None


def parse_uuid(text: str) -> UUID | None:
    """Return the UUID of text in the canonical form (RFC 9562, section 4), or None."""
    try:
        parsed = UUID(text)
    except ValueError:
        return None
    return parsed if str(parsed) == text.lower() else None


@dataclass(frozen=True, slots=True)
class AtMost:
    """The maximum length of a list, checked before its items.

    pydantic's own bound counts well-formed items: it would report each of 150,000 malformed ones.
    """

    count: int

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Check the length before the items."""
        return no_info_before_validator_function(self._check, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """Add the bound to the JSON Schema."""
        return handler(schema) | {"maxItems": self.count}

    def _check(self, value: Any) -> Any:
        if isinstance(value, list | tuple) and len(value) > self.count:
            raise PydanticCustomError(
                "too_long",
                "the array may have at most {count} items, not {length}",
                {"count": self.count, "length": len(value)},
            )
        return value


Identifier = Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=_NO_NUL)]
"""An id that a producer or a catalogue chooses: 1 to 64 characters."""

RESERVED_KEYS: Final = "willcall:"
"""The prefix of the keys of the system's own requests."""

RESERVED_KEY: Final = f"keys that begin with {RESERVED_KEYS} are reserved for Willcall; use another key"
"""The rejection of such a key."""

StoredKey = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=_NO_NUL)]
"""The key of one request, the sender's or the system's: 1 to 200 characters."""


def _unreserved(key: str) -> str:
    if key.startswith(RESERVED_KEYS):
        raise PydanticCustomError("reserved_key", "{message}", {"message": RESERVED_KEY})
    return key


IdempotencyKey = Annotated[
    StoredKey,
    AfterValidator(_unreserved),
    # The JSON Schema states it, too; pydantic's own patterns cannot: they have no lookahead.
    WithJsonSchema(
        {
            "type": "string",
            "minLength": 1,
            "maxLength": 200,
            "pattern": rf"^(?!{RESERVED_KEYS})[^\x00]*$",
        }
    ),
]
"""The sender's own key for one request: 1 to 200 characters, without the reserved prefix."""

ShortText = Annotated[str, StringConstraints(max_length=200, pattern=_NO_NUL)]
"""A name, a city, a phone number: at most 200 characters, stored as sent."""

LongText = Annotated[str, StringConstraints(max_length=5_000, pattern=_NO_NUL)]
"""A note: at most 5,000 characters, stored as sent."""

# The form of almost every address. Only other addresses need a full parse, which takes 60 µs.
_PLAIN_ADDRESS: Final = re.compile(
    r"[a-z0-9_+-]+(?:\.[a-z0-9_+-]+)*@(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}",
    re.ASCII | re.IGNORECASE,
)


def _email_address(value: Any) -> Any:
    if not isinstance(value, str):
        return value  # pydantic reports that it is no string
    if len(value) > 254:  # RFC 5321, 4.5.3.1.3
        raise PydanticCustomError("email", "an e-mail address may have at most 254 characters")
    if _PLAIN_ADDRESS.fullmatch(value) is None or value.index("@") > 64:
        _parse_address(value)
    return value


@lru_cache(maxsize=1024)
def _parse_address(value: str) -> None:
    if not is_storable(value):
        raise PydanticCustomError("email", UNSTORABLE)
    try:
        validate_email(value, check_deliverability=False, strict=True)
    except EmailNotValidError as error:
        raise PydanticCustomError(
            "email", "not an e-mail address: {reason}", {"reason": str(error)}
        ) from error


EmailAddress = Annotated[
    str,
    BeforeValidator(_email_address),
    WithJsonSchema({"type": "string", "format": "email", "maxLength": 254}),
]
"""An e-mail address (RFC 5321, RFC 6531), stored as sent."""


class WireModel(BaseModel):
    """A frozen wire model that rejects unknown fields by name."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)
