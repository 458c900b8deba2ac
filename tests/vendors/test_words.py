"""How dialects write amounts and moments, and share them out."""

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from fractions import Fraction

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.money import quantum
from vendors.values import moment, number, spread


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        ("10", "10"),
        ("10.00", "10"),
        ("45.50", "45.5"),
        ("0.00", "0"),
        ("100", "100"),
        ("1E+2", "100"),
        ("7.500", "7.5"),
        ("99999999999999999.99", "99999999999999999.99"),
    ],
)
def test_a_number_is_exact_and_has_no_needless_zeros(amount: str, text: str) -> None:
    assert orjson.dumps(number(Decimal(amount))) == text.encode()


def test_a_moment_is_told_in_utc_to_the_second() -> None:
    paris = timezone(timedelta(hours=2))
    assert moment(datetime(2026, 4, 11, 9, 10, 8, 999_999, paris)) == "2026-04-11T07:10:08Z"
    assert moment(datetime(2026, 4, 11, 7, 10, 8, tzinfo=UTC)) == "2026-04-11T07:10:08Z"


currencies = st.sampled_from(["USD", "JPY", "KWD"])
weights = st.lists(st.decimals(0, 10**14, places=2, allow_nan=False, allow_infinity=False), max_size=30)


@settings(deadline=None)
@given(st.integers(0, 10**17), weights, currencies)
def test_shares_are_whole_units_near_the_exact_ones_and_add_up_to_the_amount(
    units: int, weights: list[Decimal], currency: str
) -> None:
    unit = quantum(currency)
    shares = spread(unit * units, weights, currency)
    assert len(shares) == len(weights)
    if not weights:
        return
    assert sum(shares) == unit * units
    heavy = [Fraction(weight) for weight in weights]
    if not any(heavy):
        heavy = [Fraction(1)] * len(heavy)
    for share, weight in zip(shares, heavy, strict=True):
        assert abs(Fraction(share) - units * Fraction(unit) * weight / sum(heavy)) < Fraction(unit)


@settings(deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 40), currencies)
def test_equal_weights_have_shares_that_differ_by_a_unit_at_most_the_larger_ones_first(
    units: int, count: int, currency: str
) -> None:
    unit = quantum(currency)
    shares = spread(unit * units, [Decimal("45.50")] * count, currency)
    assert shares == sorted(shares, reverse=True)
    assert shares[0] - shares[-1] <= unit
    assert shares == spread(unit * units, [Decimal(0)] * count, currency)
