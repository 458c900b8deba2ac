"""Bounded text: what PostgreSQL can store and a person can read."""

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
UNSTORABLE: Final = "text must not hold the NUL character or a lone surrogate"
_UNSTORABLE: Final = re.compile("[\x00\ud800-\udfff]")

# The same for pydantic, which looks for surrogates itself: checked in its core, not in Python.
_NO_NUL: Final = r"^[^\x00]*$"


def is_storable(value: str) -> bool:
    """Say whether PostgreSQL can store the text."""
    return _UNSTORABLE.search(value) is None


def parse_uuid(text: str) -> UUID | None:
    """Return the id that the text spells in its one usual form (RFC 9562, 4), or None."""
    try:
        parsed = UUID(text)
    except ValueError:
        return None
    return parsed if str(parsed) == text.lower() else None


_ANY_FORM: Final = re.compile(
    r"(?:urn:uuid:)?(?P<brace>\{)?[0-9a-f]{8}(?P<dash>-?)(?:[0-9a-f]{4}(?P=dash)){3}[0-9a-f]{12}(?(brace)\})",
    re.ASCII | re.IGNORECASE,
)


def parse_any_uuid(text: str) -> UUID | None:
    """Return the id that the text spells in any usual form, or None.

    The forms are those of RFC 9562, of Microsoft (in braces) and of URNs, and 32 digits without hyphens.
    """
    # `UUID` alone takes more than that: hyphens anywhere, and whatever `int` reads as 32 characters.
    return UUID(text.lower()) if _ANY_FORM.fullmatch(text) else None


@dataclass(frozen=True, slots=True)
class AtMost:
    """So many items of a list, which is refused before one of more is looked at.

    pydantic's own bound counts well-formed items: of 150,000 malformed ones it would tell of each.
    """

    count: int

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Check the length before the items."""
        return no_info_before_validator_function(self._check, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """Say the bound in the contract."""
        return handler(schema) | {"maxItems": self.count}

    def _check(self, value: Any) -> Any:
        if isinstance(value, list | tuple) and len(value) > self.count:
            raise PydanticCustomError(
                "too_long",
                "the array has at most {count} items, not {length}",
                {"count": self.count, "length": len(value)},
            )
        return value


Identifier = Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=_NO_NUL)]
"""A name that a producer or a catalogue gives to a thing: 1 to 64 characters."""

RESERVED_KEYS: Final = "willcall:"
"""How the keys of the system's own requests begin."""

RESERVED_KEY: Final = f"keys that begin with {RESERVED_KEYS} are for Willcall's own requests; use another one"
"""What a sender of such a key is told."""

StoredKey = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=_NO_NUL)]
"""The name of one request, whoever gave it: 1 to 200 characters."""


def _unreserved(key: str) -> str:
    if key.startswith(RESERVED_KEYS):
        raise PydanticCustomError("reserved_key", "{message}", {"message": RESERVED_KEY})
    return key


IdempotencyKey = Annotated[
    StoredKey,
    AfterValidator(_unreserved),
    # The contract says it, too; pydantic's own patterns cannot, for they know no lookahead.
    WithJsonSchema(
        {
            "type": "string",
            "minLength": 1,
            "maxLength": 200,
            "pattern": rf"^(?!{RESERVED_KEYS})[^\x00]*$",
        }
    ),
]
"""The sender's own name for one request: 1 to 200 characters, and not one of the system's names."""

ShortText = Annotated[str, StringConstraints(max_length=200, pattern=_NO_NUL)]
"""A name, a city, a phone number: at most 200 characters, kept as sent."""

LongText = Annotated[str, StringConstraints(max_length=5_000, pattern=_NO_NUL)]
"""A note: at most 5,000 characters, kept as sent."""

# What almost every address looks like. Only the others are worth the 60 µs of a full parse.
_PLAIN_ADDRESS: Final = re.compile(
    r"[a-z0-9_+-]+(?:\.[a-z0-9_+-]+)*@(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}",
    re.ASCII | re.IGNORECASE,
)


def _email_address(value: Any) -> Any:
    if not isinstance(value, str):
        return value  # pydantic says that it is no string
    if len(value) > 254:  # RFC 5321, 4.5.3.1.3
        raise PydanticCustomError("email", "an e-mail address has at most 254 characters")
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
"""An e-mail address (RFC 5321, RFC 6531), kept as sent."""


class WireModel(BaseModel):
    """A frozen model of the wire that refuses unknown fields by name."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)
