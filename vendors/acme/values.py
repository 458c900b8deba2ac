"""The value types of ACME's order object: ids, prices, moments and enumerations."""

from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Annotated, Any, Final, Literal

from pydantic import BeforeValidator, PlainValidator, StringConstraints, WithJsonSchema
from pydantic_core import PydanticCustomError

from schemas.money import ZERO, parse_amount
from schemas.text import UNSTORABLE, Identifier, is_storable

SaleChannel = Literal[
    "online", "pointOfSale", "reseller", "customerRep", "manualEntry", "insideSalesIndividual"
]
CheckInStatus = Literal["NotCheckedIn", "CheckedIn", "PartiallyCheckedIn"]
TicketDelivery = Literal["print", "willCall"]
ComboTemplateType = Literal["fixedPrice", "discountCode"]
ItemType = Literal["event", "inventory", "comboEvent", "comboInventory"]
INVENTORY_TYPES: Final = ("inventory", "comboInventory")
TicketStatus = Literal["Normal", "Rebook", "Refund", "Void"]

_LONGEST_NAME = 64
_LARGEST_NUMBER = 2**63 - 1


def _name(value: Any) -> Any:
    if isinstance(value, str) and 1 <= len(value) <= _LONGEST_NAME:
        if not is_storable(value):
            raise PydanticCustomError("name", UNSTORABLE)
        return value
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _LARGEST_NUMBER:
        return value
    raise PydanticCustomError("name", "an id must be text of 1 to 64 characters, or a whole number")


Name = Annotated[
    str | int, PlainValidator(_name), WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "integer"}]})
]
"""An id that only ACME's clients know: text or a whole number, stored as sent."""

_EXACT_DIGITS = 15
"""The number of decimal digits that a double represents exactly (IEEE 754)."""


def _text(value: Any) -> Any:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


Id = Annotated[Identifier, BeforeValidator(_text)]
"""An id that Willcall knows: text, or a whole number, which is converted to text."""


def _price(value: Any) -> Any:
    """Return the amount without trailing zeros; the worker checks the decimals of its currency."""
    if isinstance(value, float):
        exact = Decimal(repr(value))
        if not exact.is_finite() or len(exact.as_tuple().digits) > _EXACT_DIGITS:
            raise PydanticCustomError("money", "a price with more than 15 digits must be text")
        value = format(exact, "f")
    text = format(value, "f") if isinstance(value, Decimal) and value.is_finite() else _text(value)
    # A discount that also covers fees makes a discounted price negative.
    is_negative = isinstance(text, str) and text.startswith("-")
    amount = parse_amount(text[1:] if is_negative else text).normalize()
    return ZERO if not amount else -amount if is_negative else amount


Price = Annotated[
    Decimal,
    BeforeValidator(_price),
    WithJsonSchema({"anyOf": [{"type": "number"}, {"type": "string", "examples": ["45.50"]}]}),
]
"""An amount of money, as a number or text. Negative amounts are refused where they make no sense."""

LastFourDigits = Annotated[str, StringConstraints(pattern=r"^[0-9]{4}$")]
"""The last four digits of a card's number; a whole card number is refused."""


def _due(value: Any) -> Any:
    if not isinstance(value, str):
        raise PydanticCustomError("moment", "a date must be text such as 2027-04-11 or 2027-04-11T19:00:00Z")
    try:
        if len(value) == len("2027-04-11"):
            return datetime.combine(date.fromisoformat(value), time(), UTC)
        moment = datetime.fromisoformat(value)
    except ValueError as error:
        raise PydanticCustomError("moment", "not a date such as 2027-04-11T19:00:00Z") from error
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


Due = Annotated[datetime, BeforeValidator(_due, json_schema_input_type=str)]
"""A moment, in UTC without a time zone, or a date, which is its first moment in UTC."""


def moment(value: datetime | None) -> str | None:
    """Return the moment in UTC, with its fraction of a second: 2026-04-11T07:10:08.25Z (RFC 3339)."""
    if value is None:
        return None
    text = value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")
    return text.rstrip("0").rstrip(".") + "Z"
