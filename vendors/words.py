"""How dialects write amounts and moments."""

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import ROUND_DOWN, Decimal

import orjson

from schemas.money import ZERO, quantum


def number(amount: Decimal) -> orjson.Fragment:
    """Return the amount as a JSON number, exact and without needless zeros: 10, 45.5."""
    text = format(amount, "f")
    return orjson.Fragment(text.rstrip("0").rstrip(".") if "." in text else text)


def moment(value: datetime) -> str:
    """Return the moment in UTC, to the second: 2026-04-11T07:10:08Z (RFC 3339)."""
    return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def spread(amount: Decimal, weights: Sequence[Decimal], currency: str) -> list[Decimal]:
    """Return the amount's shares by weight, in whole minor units, whose sum is exactly the amount.

    What rounding down leaves goes, unit by unit, to the largest remainders, the first of equals first
    (Hamilton's method). Without any weight all shares are alike.
    """
    if not weights:
        return []
    total = sum(weights, ZERO)
    if not total:
        weights, total = [Decimal(1)] * len(weights), Decimal(len(weights))
    unit = quantum(currency)
    exact = [amount * weight / total for weight in weights]
    shares = [share.quantize(unit, ROUND_DOWN) for share in exact]
    missing = int((amount - sum(shares, ZERO)) / unit)
    by_remainder = sorted(range(len(weights)), key=lambda place: shares[place] - exact[place])
    for place in by_remainder[:missing]:
        shares[place] += unit
    return shares
