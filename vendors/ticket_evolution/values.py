"""The values of Ticket Evolution's clients: ids, amounts and quantities as JSON numbers or as text."""

from decimal import Decimal
from typing import Annotated, Any, Final
from uuid import UUID

from pydantic import AfterValidator, BeforeValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

from schemas.money import Amount
from schemas.order_fields import Quantity
from schemas.text import Identifier, ShortText
from vendors.leniency import whole_text

_NUMBER: Final = {"type": ["integer", "string"]}
_MOST_DIGITS: Final = 15
_CENT: Final = Decimal("0.01")


def as_text(value: Any) -> Any:
    """Return a number as text, as it is on the queue, and other values unchanged."""
    if isinstance(value, Decimal):
        return format(value, "f")
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


Number = Annotated[Identifier, BeforeValidator(as_text), WithJsonSchema(_NUMBER | {"maxLength": 64})]
"""An id: an integer in the vendor's system, any text here."""

Label = Annotated[ShortText, BeforeValidator(as_text), WithJsonSchema(_NUMBER | {"maxLength": 200})]
"""A seat, a section, a row: 12 or "12"."""


def _amount_text(value: Any) -> Any:
    if isinstance(value, bool):
        return value
    if isinstance(value, float):
        value = _decimal(value)
    return as_text(value)


def _decimal(value: float) -> Any:
    """Return the number as it was written: a float is exact to 15 digits (IEEE 754, binary64)."""
    exact = Decimal(repr(value))
    if len(exact.as_tuple().digits) > _MOST_DIGITS:
        raise PydanticCustomError("money", 'an amount with more than 15 digits must be text, such as "45.50"')
    return exact


def _to_the_cent(value: Decimal) -> Decimal:
    if value != value.quantize(_CENT):
        raise PydanticCustomError("money", "Maximum 2 decimal places")
    # 45.500 is valid: an amount of two decimals, written with three.
    return value.to_integral_value() if value == value.to_integral_value() else value.quantize(_CENT)


Money = Annotated[
    Amount,
    BeforeValidator(_amount_text),
    AfterValidator(_to_the_cent),
    WithJsonSchema({"type": ["number", "string"], "examples": [45.5, "45.50"]}),
]
"""An amount with at most 2 decimal places."""


Count = Annotated[Quantity, BeforeValidator(whole_text)]
"""A number of tickets; the vendor's own clients also send it as text."""


def hold_name(value: Any) -> Any:
    """Return a hold's id as text if it is the integer of its UUID, and other values unchanged."""
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**128:
        return str(UUID(int=value))
    if isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) <= 39:
        return hold_name(int(value))
    return value


def _uuid(value: str) -> str:
    try:
        return str(UUID(value))
    except ValueError as error:
        raise PydanticCustomError("hold", "must be the UUID of a hold") from error


HoldName = Annotated[
    str, BeforeValidator(hold_name), AfterValidator(_uuid), WithJsonSchema(_NUMBER | {"maxLength": 45})
]
"""A hold: its UUID as text or as an integer."""

Order = Annotated[Identifier, BeforeValidator(as_text), WithJsonSchema(_NUMBER | {"maxLength": 64})]
"""An order: its number, or its UUID as text."""
