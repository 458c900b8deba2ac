"""Money: a decimal string on the wire, a `Decimal` in the program, never a float."""

import re
from copy import copy
from decimal import ROUND_HALF_UP, Decimal
from functools import cache
from typing import Annotated, Any, Final

from babel.core import Locale
from babel.numbers import get_currency_precision
from iso4217 import Currency as CurrencyCode
from pydantic import AfterValidator, PlainSerializer, PlainValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

# Twelve digits before the point: the largest order (100 lines of 1,000 tickets) still fits 17 digits,
# far inside what PostgreSQL's numeric and Python's default context keep exactly.
AMOUNT_PATTERN: Final = r"^[0-9]{1,12}(\.[0-9]{1,9})?$"
_AMOUNT = re.compile(AMOUNT_PATTERN, re.ASCII)
CURRENCY_PATTERN: Final = r"^[A-Z]{3}$"
_CODE = re.compile(CURRENCY_PATTERN)

ZERO: Final = Decimal(0)


def parse_amount(value: Any) -> Decimal:
    """Return the exact amount of a decimal string such as `"45.50"`, with its decimals as written.

    Raises `PydanticCustomError` for anything else, with a sentence that says what to send instead.
    The number of allowed decimals depends on the currency: see `has_too_many_decimals`.
    """
    if type(value) is Decimal and value.is_finite():
        value = format(value, "f")  # our own models, made in Python
    if type(value) is not str:
        raise PydanticCustomError(
            "money_type",
            'an amount must be a decimal string such as "45.50", not a JSON {kind}',
            {"kind": _json_kind(value)},
        )
    if _AMOUNT.fullmatch(value) is None:
        raise PydanticCustomError("money_format", _why_malformed(value))
    return Decimal(value)


def _json_kind(value: Any) -> str:
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float):
        return "float" if isinstance(value, float) else "number"
    return {list: "array", dict: "object", type(None): "null"}.get(type(value), "value")


def _why_malformed(value: str) -> str:
    if value.startswith("-"):
        return "an amount must not be negative"
    if value.strip().lower().lstrip("+") in {"nan", "inf", "infinity"}:
        return "an amount must be a finite number"
    return 'an amount must have up to 12 digits, and decimals after a point, such as "45.50"'


Amount = Annotated[
    Decimal,
    PlainValidator(parse_amount),
    PlainSerializer(lambda amount: format(amount, "f"), return_type=str),
    WithJsonSchema(
        {
            "type": "string",
            "pattern": AMOUNT_PATTERN,
            "examples": ["45.50"],
            "description": "A decimal string with at most the currency's minor units (ISO 4217).",
        }
    ),
]
"""An amount of money, zero or more, in the currency of its order."""

StoredAmount = Annotated[
    Decimal,
    PlainSerializer(lambda amount: format(amount, "f"), return_type=str),
    WithJsonSchema({"type": "string", "pattern": r"^[0-9]+(\.[0-9]+)?$", "examples": ["45.50"]}),
]
"""An amount of an existing order: an amount that was valid when it was stored stays valid."""

MAX_AMOUNT: Final = Decimal(10) ** 12
"""The exclusive upper bound of every amount of an order, in the currency's unit."""


_MINOR_UNITS: Final = {currency.code: currency.exponent for currency in CurrencyCode}
"""None for what has no minor units and is no money to buy tickets with: gold, test codes."""


@cache
def minor_units(currency: str) -> int:
    """Return the number of decimals of a currency: 0 for JPY, 2 for USD, 3 for KWD (ISO 4217).

    A code that ISO 4217 has withdrawn, or gives no minor units, may still be in an old order: CLDR decides.
    """
    units = _MINOR_UNITS.get(currency)
    return int(get_currency_precision(currency)) if units is None else units


@cache
def quantum(currency: str) -> Decimal:
    """Return one minor unit of the currency: `Decimal("0.01")` for USD."""
    return Decimal(1).scaleb(-minor_units(currency))


@cache
def zero(currency: str) -> Decimal:
    """Return zero with the currency's decimals: `Decimal("0.00")` for USD."""
    return ZERO.quantize(quantum(currency))


def round_money(amount: Decimal, currency: str) -> Decimal:
    """Return the amount rounded half up to the currency's minor unit."""
    return amount.quantize(quantum(currency), rounding=ROUND_HALF_UP)


def has_too_many_decimals(amount: Decimal, currency: str) -> bool:
    """Return whether the amount has more decimals than the currency."""
    exponent = amount.as_tuple().exponent
    return not isinstance(exponent, int) or -exponent > minor_units(currency)


def display_money(amount: Decimal, currency: str, locale: str) -> str:
    """Return the amount as people write it, with all its currency's decimals: `$45.50`, `RSD 990.00`."""
    pattern = copy(Locale.parse(locale).currency_formats["standard"])
    # CLDR's own pattern leaves out decimals that are seldom paid.
    pattern.frac_prec = (minor_units(currency),) * 2
    return str(pattern.apply(amount, locale, currency=currency, currency_digits=False))


def _known_currency(code: str) -> str:
    # Text that cannot be a code, such as a megabyte, must not be repeated in a message or stay in a cache.
    if _CODE.fullmatch(code) is None:
        raise PydanticCustomError("currency", 'a currency must be a code of ISO 4217, such as "USD"')
    if code not in _MINOR_UNITS:
        raise PydanticCustomError("currency", "{code} is not a currency code of ISO 4217", {"code": code})
    if _MINOR_UNITS[code] is None:
        why = "{code} has no minor units (ISO 4217): use a currency with minor units"
        raise PydanticCustomError("currency", why, {"code": code})
    return code


Currency = Annotated[
    str,
    AfterValidator(_known_currency),
    WithJsonSchema({"type": "string", "pattern": CURRENCY_PATTERN, "examples": ["USD"]}),
]
"""A currency code of ISO 4217, such as `USD`."""

StoredCurrency = Annotated[
    str, WithJsonSchema({"type": "string", "pattern": CURRENCY_PATTERN, "examples": ["USD"]})
]
"""The currency of an existing order; ISO 4217 may have withdrawn it since."""
