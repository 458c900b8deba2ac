"""The money of a catalogue file: prices, taxes and promo codes, and what is none."""

from decimal import Decimal
from typing import Any

import pytest
import yaml

from schemas.catalogue import Event, PromoCode, TaxRule, TicketClass
from tests.schemas.catalogue_bodies import make_class, make_event, why_refused


class TestMoney:
    @pytest.mark.parametrize("price", [45.5, 45, True, "-1", "NaN", "1e3", "", None])
    def test_a_price_is_a_decimal_string(self, price: Any) -> None:
        assert why_refused(TicketClass, make_class(price=price)).startswith("price:")

    def test_a_price_that_yaml_reads_as_a_float_is_refused_with_a_sentence_that_says_so(self) -> None:
        words = yaml.safe_load("{id: standing, name: Standing, price: 45.50, capacity: 1}")

        assert "not a JSON float" in why_refused(TicketClass, words)

    @pytest.mark.parametrize(
        ("currency", "fits", "does_not"),
        [
            ("JPY", "1500", "1500.0"),
            ("USD", "1.23", "1.234"),
            ("KWD", "1.234", "1.2345"),
            ("CLF", "1.2345", "1.23456"),
        ],
    )
    def test_a_price_has_at_most_the_decimals_of_its_currency(
        self, currency: str, fits: str, does_not: str
    ) -> None:
        Event.model_validate(make_event(currency=currency, ticket_classes=[make_class(price=fits)]))

        words = make_event(currency=currency, ticket_classes=[make_class(price=does_not)])
        assert f"{does_not} has more decimals than {currency}" in why_refused(Event, words)

    def test_an_amount_off_has_at_most_the_decimals_of_its_currency(self) -> None:
        words = make_event(promo_codes=[{"code": "FIVE", "amount": "5.001"}])

        assert "5.001 has more decimals than USD" in why_refused(Event, words)

    @pytest.mark.parametrize("currency", ["XYZ", "usd", "", None, 5])
    def test_an_unknown_currency_is_refused(self, currency: Any) -> None:
        assert why_refused(Event, make_event(currency=currency)).startswith("currency:")


class TestTax:
    @pytest.mark.parametrize("rate", ["0", "0.19", "0.055", "0.088755", "1", "1.000000"])
    def test_a_rate_is_a_fraction_from_0_to_1(self, rate: str) -> None:
        rule = TaxRule.model_validate({"name": "VAT", "rate": rate})

        assert rule.rate == Decimal(rate)
        assert (rule.is_included, rule.rounding) == (False, "line")

    @pytest.mark.parametrize("rate", ["-0.01", "1.01", "19", "0.1234567", "NaN", "Infinity", "19%", "", None])
    def test_another_rate_is_refused(self, rate: Any) -> None:
        assert why_refused(TaxRule, {"name": "VAT", "rate": rate}).startswith("rate:")

    def test_a_rate_that_yaml_reads_as_a_float_is_the_decimal_that_is_written(self) -> None:
        assert TaxRule.model_validate(yaml.safe_load("{name: VAT, rate: 0.19}")).rate == Decimal("0.19")

    @pytest.mark.parametrize("rounding", ["line", "sum_by_net"])
    def test_a_rounding_is_one_of_two(self, rounding: str) -> None:
        assert TaxRule.model_validate({"name": "VAT", "rate": "0", "rounding": rounding}).rounding == rounding

    @pytest.mark.parametrize("rounding", ["sum", "Line", "", None])
    def test_another_rounding_is_refused(self, rounding: Any) -> None:
        words = {"name": "VAT", "rate": "0", "rounding": rounding}

        assert why_refused(TaxRule, words).startswith("rounding:")


class TestPromoCodes:
    @pytest.mark.parametrize("percent", ["0.0001", "7.5", "33.3333", "100"])
    def test_a_percentage_is_more_than_0_and_at_most_100(self, percent: str) -> None:
        assert PromoCode.model_validate({"code": "X", "percent": percent}).percent == Decimal(percent)

    @pytest.mark.parametrize("percent", ["0", "-1", "100.0001", "1000", "33.33333", "NaN", "ten"])
    def test_another_percentage_is_refused(self, percent: str) -> None:
        assert why_refused(PromoCode, {"code": "X", "percent": percent}).startswith("percent:")

    @pytest.mark.parametrize("kinds", [{}, {"percent": "10", "amount": "5.00"}, {"percent": None}])
    def test_a_promo_code_takes_off_a_percentage_or_an_amount(self, kinds: dict[str, Any]) -> None:
        assert "either a percent or an amount, not both" in why_refused(PromoCode, {"code": "X"} | kinds)

    @pytest.mark.parametrize("max_uses", [0, -1, 2**31, 1.5, "1", True])
    def test_a_promo_code_is_good_for_a_whole_number_of_orders(self, max_uses: Any) -> None:
        assert why_refused(PromoCode, {"code": "X", "percent": "1", "max_uses": max_uses}).startswith(
            "max_uses:"
        )
