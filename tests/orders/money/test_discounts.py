"""What discounts and promo codes take off, by example."""

from decimal import Decimal
from typing import Any

import pytest

from orders.errors import NegativeTotal, UnknownPromoCode
from tests.orders.money.pricing import (
    amount_off,
    line,
    make_class,
    make_event,
    make_rule,
    percent_off,
    price,
    why_rejected,
)


class TestDiscounts:
    def test_a_percentage_is_rounded_half_up(self) -> None:
        priced = price(
            make_class(price="0.50"), promo_codes=[percent_off("25")], promo_code="SPRING"
        )  # 12.5 cents

        assert str(priced.discount) == "0.13"

    def test_an_amount_is_taken_off_once_however_many_tickets(self) -> None:
        priced = price(line_items=[line(quantity=3)], promo_codes=[amount_off("5.00")], promo_code="FIVE")

        assert str(priced.discount) == "5.00"
        assert str(priced.total) == "131.50"

    def test_a_promo_code_comes_on_top_of_a_discount(self) -> None:
        priced = price(discount="3.00", promo_codes=[percent_off("10")], promo_code="SPRING")

        assert str(priced.discount) == "7.55"

    def test_a_percentage_is_of_the_lines_of_its_event_and_of_nothing_else(self) -> None:
        concert = make_class("standing", "100.00", make_event("concert", tax=make_rule()))
        play = make_class("stalls", "40.00", make_event("play"))

        priced = price(
            concert,
            play,
            line_items=[line("standing"), line("stalls")],
            shipping="10.00",
            promo_codes=[percent_off("10")],
            promo_code="SPRING",
        )

        assert str(priced.discount) == "10.00"

    def test_a_promo_code_is_that_of_an_event_of_the_order(self) -> None:
        concert = make_class("standing", "100.00", make_event("concert"))
        play = make_class("stalls", "40.00", make_event("play"))
        of_both = [percent_off("10", "concert"), percent_off("50", "play")]

        priced = price(concert, play, line_items=[line("stalls")], promo_codes=of_both, promo_code="SPRING")

        assert str(priced.discount) == "20.00"
        assert priced.promo_codes == (of_both[1],)

    def test_a_percentage_counts_at_each_event_that_has_the_code(self) -> None:
        concert = make_class("standing", "100.00", make_event("concert"))
        play = make_class("stalls", "40.00", make_event("play"))
        opera = make_class("box", "10.00", make_event("opera"))
        of_two = [percent_off("10", "concert"), percent_off("50", "play", code="Spring")]

        priced = price(
            concert,
            play,
            opera,
            line_items=[line("stalls"), line("standing"), line("box")],
            promo_codes=of_two,
            promo_code="SPRING",
        )

        assert str(priced.discount) == "30.00"  # 20.00 of the play, 10.00 of the concert
        assert priced.promo_codes == (of_two[1], of_two[0])

    def test_an_amount_is_taken_off_once_however_many_events_have_it(self) -> None:
        concert = make_class("standing", "100.00", make_event("concert"))
        play = make_class("stalls", "40.00", make_event("play"))
        of_both = [amount_off("5.00", "concert"), amount_off("5.00", "play")]

        priced = price(
            concert,
            play,
            line_items=[line("stalls"), line("standing")],
            promo_codes=of_both,
            promo_code="FIVE",
        )

        assert str(priced.discount) == "5.00"

    @pytest.mark.parametrize("asked", ["SPRING", "spring", " Spring", "sPrInG \t", "\u00a0SPRING\u3000"])
    @pytest.mark.parametrize("code", ["SPRING", "Spring", " spring "])
    def test_case_and_blanks_around_a_promo_code_do_not_count(self, asked: str, code: str) -> None:
        priced = price(promo_codes=[percent_off("10", code=code)], promo_code=asked)

        assert str(priced.discount) == "4.55"
        assert priced.promo_codes[0].code == code

    @pytest.mark.parametrize("code", ["WINTER", "SPR ING", "SPRING1"])
    def test_an_unknown_promo_code_is_rejected(self, code: str) -> None:
        known = [percent_off("10")]

        assert why_rejected(UnknownPromoCode, promo_codes=known, promo_code=code) == (
            "unknown_promo_code",
            "promo_code",
        )

    def test_a_promo_code_of_an_event_outside_the_order_is_unknown(self) -> None:
        play = [percent_off("10", "play")]

        assert why_rejected(UnknownPromoCode, promo_codes=play, promo_code="SPRING")[1] == "promo_code"

    def test_a_discount_may_take_everything(self) -> None:
        assert str(price(shipping="5.00", tax="1.00", discount="51.50").total) == "0.00"

    def test_a_discount_larger_than_the_rest_is_rejected(self) -> None:
        assert why_rejected(NegativeTotal, shipping="5.00", tax="1.00", discount="51.51") == (
            "negative_total",
            "discount",
        )

    @pytest.mark.parametrize("amount", ["45.50", "45.51", "999999.00"])
    @pytest.mark.parametrize(("charges", "left"), [({}, "45.50"), ({"shipping": "5.00"}, "50.50")])
    def test_a_promo_code_larger_than_the_rest_takes_it_to_nothing(
        self, amount: str, charges: dict[str, Any], left: str
    ) -> None:
        priced = price(promo_codes=[amount_off(amount)], promo_code="FIVE", discount="0.75", **charges)

        assert priced.discount == min(Decimal(amount) + Decimal("0.75"), Decimal(left))
        assert priced.total == max(Decimal(left) - Decimal("0.75") - Decimal(amount), Decimal(0))

    def test_a_percentage_beside_a_discount_takes_no_more_than_there_is(self) -> None:
        priced = price(promo_codes=[percent_off("100")], promo_code="SPRING", discount="3.00")

        assert (str(priced.discount), str(priced.total)) == ("45.50", "0.00")

    def test_a_discount_larger_than_the_rest_is_rejected_with_a_promo_code_as_without(self) -> None:
        promo = {"promo_codes": [amount_off("45.50")], "promo_code": "FIVE"}

        assert why_rejected(NegativeTotal, discount="45.51", **promo)[0] == "negative_total"

    def test_included_tax_is_no_cover_for_a_discount(self) -> None:
        ticket_class = make_class(price="10.00", event=make_event(tax=make_rule(is_included=True)))

        assert why_rejected(NegativeTotal, ticket_class, discount="10.01")[0] == "negative_total"
