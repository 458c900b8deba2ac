"""Amounts of answers: with at least two decimals."""

from decimal import Decimal
from typing import Any, Final

from pydantic_core import PydanticCustomError

from schemas.json import JsonObject
from schemas.money import parse_amount

_CENT: Final = Decimal("0.01")
_OF_TICKET_GROUPS: Final = (
    "price",
    "cost",
    "wholesale_price",
    "retail_price",
    "retail_price_override",
    "face_value",
)


def amount_text(amount: Decimal) -> str:
    """Return the amount with two decimals, or more if it needs them, whatever its currency."""
    in_cents = amount.quantize(_CENT)
    return format(in_cents if in_cents == amount else amount, "f")


def requested_group(group: Any) -> JsonObject | None:
    """Return a ticket group as the call sent it, with its amounts in the format of all others."""
    if not isinstance(group, dict):
        return None
    return {name: _amount(value) if name in _OF_TICKET_GROUPS else value for name, value in group.items()}


def _amount(value: Any) -> Any:
    try:
        return amount_text(parse_amount(value))
    except PydanticCustomError:
        return value  # a patch of the extras may have stored any value
