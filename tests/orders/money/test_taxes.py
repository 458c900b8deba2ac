"""Which taxes orders have, by example."""

from decimal import Decimal

import pytest

from orders.money.pricing import PricedOrder
from tests.orders.money.pricing import (
    amounts,
    line,
    make_class,
    make_event,
    make_rule,
    price,
    roundings,
    taxes,
)


class TestTax:
    def test_without_a_rule_there_is_no_tax(self) -> None:
        assert str(price().tax) == "0.00"

    @pytest.mark.parametrize("given", ["7.28", "0.00"])
    @pytest.mark.parametrize("is_included", [False, True])
    def test_a_given_tax_is_taken_as_it_is(self, given: str, is_included: bool) -> None:
        ticket_class = make_class(event=make_event(tax=make_rule(is_included=is_included)))

        priced = price(ticket_class, tax=given)

        assert str(priced.tax) == given
        assert str(priced.included_tax) == "0.00"
        assert priced.total == Decimal("45.50") + Decimal(given)

    def test_a_computed_tax_is_added_and_that_of_shipping_and_fees_is_none(self) -> None:
        ticket_class = make_class(price="100.00", event=make_event(tax=make_rule("0.055")))

        priced = price(ticket_class, shipping="10.00", service_fee="10.00", discount="50.00")

        assert str(priced.tax) == "5.50"
        assert str(priced.total) == "75.50"

    def test_an_included_tax_is_shown_and_not_added(self) -> None:
        ticket_class = make_class(price="119.00", event=make_event(tax=make_rule(is_included=True)))

        priced = price(ticket_class)

        assert str(priced.included_tax) == "19.00"
        assert str(priced.tax) == "0.00"
        assert str(priced.total) == "119.00"

    def test_half_a_cent_of_tax_is_rounded_up(self) -> None:
        ticket_class = make_class(price="0.50", event=make_event(tax=make_rule("0.05")))

        assert str(price(ticket_class).tax) == "0.03"  # 0.025; to the even cent it would be 0.02

    def test_half_a_yen_of_tax_is_rounded_up(self) -> None:
        ticket_class = make_class(price="25", event=make_event(currency="JPY", tax=make_rule("0.10")))

        assert str(price(ticket_class).tax) == "3"

    def test_half_a_fils_of_tax_is_rounded_up(self) -> None:
        ticket_class = make_class(price="0.050", event=make_event(currency="KWD", tax=make_rule("0.05")))

        assert str(price(ticket_class).tax) == "0.003"

    def test_tax_by_line_is_rounded_for_each_line_and_not_for_each_ticket(self) -> None:
        ticket_class = make_class(price="0.10", event=make_event(tax=make_rule("0.05")))

        assert taxes(price(ticket_class, line_items=[line(quantity=3), line()])) == ["0.02", "0.01"]

    def test_events_of_one_order_keep_their_own_rules(self) -> None:
        concert = make_class("standing", "119.00", make_event("concert", tax=make_rule(is_included=True)))
        play = make_class("stalls", "100.00", make_event("play", tax=make_rule("0.055")))
        talk = make_class("chair", "10.00", make_event("talk"))

        priced = price(concert, play, talk, line_items=[line("stalls"), line("chair"), line("standing")])

        assert taxes(priced) == ["5.50", "0.00", "19.00"]
        assert str(priced.tax) == "5.50"
        assert str(priced.included_tax) == "19.00"
        assert str(priced.total) == "234.50"


class TestSumByNet:
    """The sum of the net amounts is taxed and rounded once; the lines share what that changes."""

    def five_lines(self, rounding: str) -> PricedOrder:
        tax = make_rule(is_included=True, rounding=rounding)
        return price(make_class(price="100.00", event=make_event(tax=tax)), line_items=[line()] * 5)

    def test_by_line_five_lines_of_100_gross_at_19_percent_hold_79_85_of_tax(self) -> None:
        priced = self.five_lines("line")

        assert taxes(priced) == ["15.97"] * 5
        assert str(priced.included_tax) == "79.85"
        assert str(priced.total) == "500.00"

    def test_by_net_sum_five_lines_of_100_gross_at_19_percent_cost_499_98(self) -> None:
        priced = self.five_lines("sum_by_net")

        assert sum(line.amount - line.tax for line in priced.lines) == Decimal("420.15")
        assert str(priced.included_tax) == "79.83"
        assert str(priced.total) == "499.98"

    def test_with_gross_kept_five_lines_of_100_gross_at_19_percent_cost_500(self) -> None:
        priced = self.five_lines("sum_by_net_keep_gross")

        assert str(priced.total) == "500.00"
        assert str(priced.included_tax) == "79.83"
        assert amounts(priced) == ["100.00"] * 5
        assert taxes(priced) == ["15.96", "15.96", "15.97", "15.97", "15.97"]
        assert roundings(priced) == ["-0.01", "-0.01", "0.00", "0.00", "0.00"]

    @pytest.mark.parametrize("rounding", ["line", "sum_by_net_keep_gross"])
    def test_a_gross_that_no_net_comes_to_is_kept(self, rounding: str) -> None:
        tax = make_rule(is_included=True, rounding=rounding)

        priced = price(make_class(price="15.00", event=make_event(tax=tax)))

        assert (str(priced.total), str(priced.included_tax)) == ("15.00", "2.39")

    def test_with_gross_kept_a_tax_on_top_is_that_of_the_sum(self) -> None:
        prices = []
        for rounding in ("sum_by_net", "sum_by_net_keep_gross"):
            event = make_event(tax=make_rule("0.05", rounding=rounding))
            priced = price(make_class(price="0.10", event=event), line_items=[line()] * 3)
            prices.append((taxes(priced), roundings(priced), str(priced.total)))
        assert prices == [(["0.00", "0.01", "0.01"], ["-0.01", "0.00", "0.00"], "0.32")] * 2

    def test_each_spread_unit_is_stored_with_its_line(self) -> None:
        priced = self.five_lines("sum_by_net")

        assert roundings(priced) == ["-0.01", "-0.01", "0.00", "0.00", "0.00"]
        assert taxes(priced) == ["15.96", "15.96", "15.97", "15.97", "15.97"]
        assert amounts(priced) == ["99.99", "99.99", "100.00", "100.00", "100.00"]

    def test_the_difference_goes_to_the_lines_of_the_largest_gross_first(self) -> None:
        event = make_event(tax=make_rule(is_included=True, rounding="sum_by_net"))

        # Net 11.55, 31.97, 16.55 and 26.55: each rounded down, together by nearly two cents.
        priced = price(
            make_class("standing", "1.00", event),
            line_items=[
                line(unit_price="13.75"),
                line(unit_price="38.05"),
                line(unit_price="9.85", quantity=2),
                line(unit_price="31.60"),
            ],
        )

        assert str(priced.included_tax) == "16.46"  # 86.62 × 0.19 is 16.4578; by line it is 16.48
        assert roundings(priced) == ["0.00", "-0.01", "0.00", "-0.01"]
        assert amounts(priced) == ["13.75", "38.04", "19.70", "31.59"]

    def test_on_top_of_the_price_only_the_tax_of_the_lines_changes(self) -> None:
        event = make_event(tax=make_rule("0.05", rounding="sum_by_net"))

        # Half a cent a line is three cents by line, and 0.015 of 0.30 is two.
        priced = price(make_class(price="0.10", event=event), line_items=[line()] * 3)

        assert taxes(priced) == ["0.00", "0.01", "0.01"]
        assert amounts(priced) == ["0.10", "0.10", "0.10"]
        assert roundings(priced) == ["-0.01", "0.00", "0.00"]
        assert str(priced.tax) == "0.02"
        assert str(priced.total) == "0.32"

    def test_one_line_has_no_difference_to_spread(self) -> None:
        event = make_event(tax=make_rule("0.05", rounding="sum_by_net"))

        priced = price(make_class(price="0.10", event=event), line_items=[line(quantity=3)])

        assert roundings(priced) == ["0.00"]
        assert str(priced.tax) == "0.02"

    def test_each_event_has_a_net_sum_of_its_own(self) -> None:
        tax = make_rule("0.05", rounding="sum_by_net")
        concert = make_class("standing", "0.10", make_event("concert", tax=tax))
        play = make_class("stalls", "0.10", make_event("play", tax=tax))

        priced = price(concert, play, line_items=[line("standing"), line("stalls")])

        assert str(priced.tax) == "0.02"  # twice 0.005; of one sum it would be 0.01
