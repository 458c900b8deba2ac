"""Values that several dialects write alike: amounts, moments, shares of an amount."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction
from math import floor
from typing import Any

import orjson

from schemas.json import JsonObject
from schemas.money import quantum


def number(amount: Decimal) -> orjson.Fragment:
    """Return the amount as an exact JSON number without trailing zeros: 10, 45.5."""
    text = format(amount, "f")
    return orjson.Fragment(text.rstrip("0").rstrip(".") if "." in text else text)


def moment(value: datetime) -> str:
    """Return the moment in UTC, to the second: 2026-04-11T07:10:08Z (RFC 3339)."""
    return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def without_none(fields: Mapping[str, Any]) -> JsonObject:
    """Return the mapping without its None values."""
    return {name: value for name, value in fields.items() if value is not None}


def spread(amount: Decimal, weights: Sequence[Decimal], currency: str) -> list[Decimal]:
    """Return the amount's shares by weight, in whole minor units; their sum is exactly the amount.

    The units left by rounding down go to the largest remainders, the first of equal ones first (Hamilton's
    method). If all weights are zero, the shares are equal.
    """
    if not weights:
        return []
    unit = quantum(currency)
    # In whole units and fractions: a quotient of decimals is rounded, and so is its remainder.
    units = int(amount / unit)
    parts = [Fraction(weight) for weight in weights]
    total = sum(parts, Fraction(0))
    if not total:
        parts, total = [Fraction(1)] * len(parts), Fraction(len(parts))
    exact = [units * part / total for part in parts]
    shares = [floor(share) for share in exact]
    missing = units - sum(shares)
    by_remainder = sorted(range(len(parts)), key=lambda place: shares[place] - exact[place])
    for place in by_remainder[:missing]:
        shares[place] += 1
    return [unit * share for share in shares]
