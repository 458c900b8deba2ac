"""Money on the wire: exact decimal strings, and nothing else."""

from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from schemas.money import (
    Amount,
    Currency,
    has_too_many_decimals,
    minor_units,
    parse_amount,
    quantum,
    round_money,
)


class Price(BaseModel):
    """A model with an amount of money."""

    amount: Amount


class Wallet(BaseModel):
    """A model with a currency."""

    currency: Currency


def why_refused(value: Any) -> str:
    with pytest.raises(ValidationError) as caught:
        Price.model_validate({"amount": value})
    (error,) = caught.value.errors()
    assert error["loc"] == ("amount",)
    return error["msg"]


@pytest.mark.parametrize(
    "written",
    ["0", "0.00", "45.50", "45.5", "007", "1500", "1.2345", "999999999999", "999999999999.999999999"],
)
def test_a_decimal_string_is_the_exact_amount(written: str) -> None:
    amount = Price.model_validate({"amount": written}).amount

    assert type(amount) is Decimal
    assert Fraction(amount) == Fraction(written)


@settings(deadline=None, max_examples=200)
@given(st.integers(0, 10**12 - 1), st.integers(0, 10**9 - 1), st.integers(1, 9))
def test_an_amount_comes_out_as_it_went_in(whole: int, fraction: int, decimals: int) -> None:
    written = f"{whole}.{fraction % 10**decimals:0{decimals}}"

    price = Price.model_validate_json(f'{{"amount": "{written}"}}')

    assert price.model_dump_json() == f'{{"amount":"{written}"}}'
    assert Price.model_validate(price.model_dump()) == price


@pytest.mark.parametrize("value", [45.5, 1.0, 0.0, 1e3, float("nan"), float("inf"), -1.5])
def test_a_float_is_refused_with_a_sentence_that_says_so(value: float) -> None:
    assert why_refused(value) == 'an amount must be a decimal string such as "45.50", not a JSON float'


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (45, "number"),
        (0, "number"),
        (10**30, "number"),
        (True, "boolean"),
        (False, "boolean"),
        (None, "null"),
        ([], "array"),
        (["45.50"], "array"),
        ({}, "object"),
        ({"amount": "45.50"}, "object"),
        (b"45.50", "value"),
    ],
)
def test_what_is_no_string_is_refused_by_its_kind(value: object, kind: str) -> None:
    assert why_refused(value).endswith(f"not a JSON {kind}")


@pytest.mark.parametrize("written", ["-1", "-0.01", "-0", "-1e3"])
def test_a_negative_amount_is_refused(written: str) -> None:
    assert why_refused(written) == "an amount must not be negative"


@pytest.mark.parametrize("written", ["NaN", "nan", "Infinity", "inf", "+Infinity", " NaN "])
def test_an_amount_that_is_no_finite_number_is_refused(written: str) -> None:
    assert why_refused(written) == "an amount must be a finite number"


@pytest.mark.parametrize(
    "written",
    [
        "", " ", "1e3", "1E3", "1e-2", "+1", " 1", "1 ", "1\n", "1.", ".5", "1,5", "1,000.00", "1_000",
        "1.2.3", "0x1f", "1/2", "$1", "1 USD", "45,50 €", "abc", "null", "sNaN", "٤٥", "４５", "½", "1\x00",
        "\ud800", "😀", "1000000000000", "0.0000000001",
        pytest.param("1" * 1_000_000, id="a megabyte"),
        pytest.param("0." + "0" * 1_000_000, id="a megabyte of decimals"),
    ],
)  # fmt: skip
def test_any_other_writing_of_a_number_is_refused_with_an_example(written: str) -> None:
    assert why_refused(written) == (
        'an amount must have up to 12 digits, and decimals after a point, such as "45.50"'
    )


@pytest.mark.parametrize("value", [Decimal("-1"), Decimal("NaN"), Decimal("Infinity"), Decimal("1e12")])
def test_a_decimal_of_our_own_is_held_to_the_same_rules(value: Decimal) -> None:
    with pytest.raises(ValidationError):
        Price(amount=value)


def test_a_decimal_of_our_own_keeps_its_decimals() -> None:
    assert str(parse_amount(Decimal("45.50"))) == "45.50"
    assert str(parse_amount(Decimal("1e3"))) == "1000"


def test_the_schema_says_that_money_is_a_string() -> None:
    amount = Price.model_json_schema()["properties"]["amount"]

    assert amount["type"] == "string"
    assert amount["examples"] == ["45.50"]


@pytest.mark.parametrize(
    ("currency", "decimals"),
    [("JPY", 0), ("KRW", 0), ("USD", 2), ("EUR", 2), ("KWD", 3), ("BHD", 3), ("TND", 3), ("CLF", 4)],
)
def test_a_currency_has_the_minor_units_of_iso_4217(currency: str, decimals: int) -> None:
    assert minor_units(currency) == decimals
    assert quantum(currency) == Decimal(1).scaleb(-decimals)


@pytest.mark.parametrize(
    ("amount", "currency", "is_too_many"),
    [
        ("10", "JPY", False),
        ("10.0", "JPY", True),
        ("1.23", "USD", False),
        ("1.2", "USD", False),
        ("1.234", "USD", True),
        ("1.230", "USD", True),
        ("1.234", "KWD", False),
        ("1.2345", "KWD", True),
    ],
)
def test_decimals_are_counted_as_they_are_written(amount: str, currency: str, is_too_many: bool) -> None:
    assert has_too_many_decimals(parse_amount(amount), currency) is is_too_many


@pytest.mark.parametrize(
    ("amount", "currency", "rounded"),
    [
        ("0.125", "USD", "0.13"),
        ("0.135", "USD", "0.14"),
        ("0.1349999", "USD", "0.13"),
        ("2.5", "JPY", "3"),
        ("3.5", "JPY", "4"),
        ("0.0005", "KWD", "0.001"),
        ("7", "USD", "7.00"),
        ("-0.125", "USD", "-0.13"),
    ],
)
def test_money_is_rounded_half_up_to_the_minor_unit(amount: str, currency: str, rounded: str) -> None:
    assert str(round_money(Decimal(amount), currency)) == rounded


@pytest.mark.parametrize("code", ["USD", "EUR", "JPY", "KWD", "CHF"])
def test_a_currency_of_iso_4217_is_known(code: str) -> None:
    assert Wallet.model_validate({"currency": code}).currency == code


@pytest.mark.parametrize("code", ["XYZ", "QQQ"])
def test_three_letters_that_are_no_currency_are_refused_by_name(code: str) -> None:
    with pytest.raises(ValidationError, match=f"{code} is not a currency code of ISO 4217"):
        Wallet.model_validate({"currency": code})


@pytest.mark.parametrize(
    "code",
    [
        "usd",
        "US",
        "USDX",
        "",
        " USD",
        "USD\n",
        "ÜSD",
        "U\x00D",
        "\ud800SD",
        pytest.param("X" * 1_000_000, id="a megabyte"),
    ],
)
def test_what_cannot_be_a_currency_is_refused_and_not_repeated(code: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Wallet.model_validate({"currency": code})

    (error,) = caught.value.errors()
    assert error["msg"] == 'a currency must be a code of ISO 4217, such as "USD"'


@pytest.mark.parametrize("value", [5, 8.4, None, True, [], {}])
def test_a_currency_is_a_string(value: object) -> None:
    with pytest.raises(ValidationError):
        Wallet.model_validate({"currency": value})
