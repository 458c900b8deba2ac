"""What orders cost, by example."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any
from uuid import NAMESPACE_URL, uuid5

import pytest

from orders.catalogue.prices import (
    EventOffer,
    Offers,
    PromoCodeOffer,
    TaxRule,
    TicketClassOffer,
    pick,
    with_event,
)
from orders.errors import (
    CurrencyMismatch,
    Invalid,
    NegativeTotal,
    PriceMismatch,
    RejectedRequest,
    TooManyDecimals,
    UnknownEvent,
    UnknownPromoCode,
    UnknownTicketClass,
)
from orders.money.pricing import PricedOrder, price_order
from schemas.catalogue import promo_code_key
from schemas.order_requests import OrderRequest


def make_id(name: str) -> str:
    return str(uuid5(NAMESPACE_URL, name))


def make_rule(rate: str = "0.19", *, is_included: bool = False, rounding: Any = "line") -> TaxRule:
    return TaxRule(Decimal(rate), is_included, rounding)


def make_event(name: str = "concert", currency: str = "USD", tax: TaxRule | None = None) -> EventOffer:
    return EventOffer(make_id(name), name, currency, tax)


def make_class(
    name: str = "standing", price: str = "45.50", event: EventOffer | None = None
) -> TicketClassOffer:
    return TicketClassOffer(make_id(name), name, event or make_event(), Decimal(price), has_seats=False)


def percent_off(percent: str, event: str = "concert", code: str = "SPRING") -> PromoCodeOffer:
    return PromoCodeOffer(make_id(code), make_id(event), code, Decimal(percent), None)


def amount_off(amount: str, event: str = "concert", code: str = "FIVE") -> PromoCodeOffer:
    return PromoCodeOffer(make_id(code), make_id(event), code, None, Decimal(amount))


def make_offers(*classes: TicketClassOffer, promo_codes: Sequence[PromoCodeOffer] = ()) -> Offers:
    return Offers(
        ticket_classes={offer.external_id: offer for offer in classes},
        promo_codes={
            key: [promo for promo in promo_codes if promo_code_key(promo.code) == key]
            for key in {promo_code_key(promo.code) for promo in promo_codes}
        },
        event_ids={offer.event.external_id: offer.event.external_id for offer in classes},
    )


def line(ticket_class: str = "standing", quantity: int = 1, **changes: Any) -> dict[str, Any]:
    return {"ticket_class_id": ticket_class, "quantity": quantity} | changes


def price(
    *classes: TicketClassOffer,
    promo_codes: Sequence[PromoCodeOffer] = (),
    may_set_price: bool = True,
    **request: Any,
) -> PricedOrder:
    classes = classes or (make_class(),)
    buyer = {"first_name": "Ada", "last_name": "Example", "email": "ada@example.com"}
    order = OrderRequest.model_validate(
        {"buyer": buyer, "line_items": [line(classes[0].external_id)]} | request
    )
    offers = make_offers(*classes, promo_codes=promo_codes)
    picked = pick(with_event(order, offers), offers)
    return price_order(order, picked, may_set_price=may_set_price)


def why_rejected(
    error: type[RejectedRequest], *classes: TicketClassOffer, **request: Any
) -> tuple[str, str | None]:
    with pytest.raises(error) as caught:
        price(*classes, **request)
    return caught.value.rejection.code, caught.value.rejection.field


def taxes(priced: PricedOrder) -> list[str]:
    return [str(line.tax) for line in priced.lines]


def amounts(priced: PricedOrder) -> list[str]:
    return [str(line.amount) for line in priced.lines]


def roundings(priced: PricedOrder) -> list[str]:
    return [str(line.rounding) for line in priced.lines]


class TestTotal:
    def test_the_total_is_lines_plus_charges_plus_tax_minus_discount(self) -> None:
        priced = price(
            line_items=[line(quantity=2, unit_price="45.50")],
            shipping="5.00",
            service_fee="2.50",
            additional_expense="1.10",
            tax="7.28",
            discount="3.00",
        )

        assert str(priced.subtotal) == "91.00"
        assert str(priced.total) == "103.88"

    def test_every_amount_carries_exactly_the_decimals_of_the_currency(self) -> None:
        priced = price(make_class(price="1"), shipping="5", service_fee="2.5", tax="0", discount="1.0")

        assert [str(priced.lines[0].unit_price), *amounts(priced)] == ["1.00", "1.00"]
        assert str(priced.shipping) == "5.00"
        assert str(priced.service_fee) == "2.50"
        assert str(priced.additional_expense) == "0.00"
        assert str(priced.tax) == "0.00"
        assert str(priced.included_tax) == "0.00"
        assert str(priced.discount) == "1.00"
        assert str(priced.total) == "7.50"

    @pytest.mark.parametrize(
        ("currency", "amount", "total"),
        [("JPY", "1500", "4500"), ("KWD", "1.250", "3.750"), ("CLF", "0.0001", "0.0003")],
    )
    def test_a_currency_has_its_own_number_of_decimals(self, currency: str, amount: str, total: str) -> None:
        ticket_class = make_class(price=amount, event=make_event(currency=currency))

        assert str(price(ticket_class, line_items=[line(quantity=3)]).total) == total

    def test_the_largest_order_is_exact_to_the_last_cent(self) -> None:
        priced = price(
            make_class(event=make_event(tax=make_rule("1"))),
            line_items=[line(quantity=1_000, unit_price="4999999.99")] * 100,
            shipping="1999.99",
        )

        assert (str(priced.subtotal), str(priced.tax)) == ("499999999000.00", "499999999000.00")
        assert str(priced.total) == "999999999999.99"

    @pytest.mark.parametrize(
        "order",
        [
            {"shipping": "999999999999.99"},
            {"shipping": "500000000000.00", "service_fee": "500000000000.00"},
            {"tax": "999999999999.99"},
            {"line_items": [line(quantity=2, unit_price="999999999999.99")]},
            {"line_items": [line(unit_price="999999999999.99")] * 2},
            # What is taken off again was never an amount to begin with.
            {"shipping": "999999999999.99", "discount": "999999999999.99"},
        ],
    )
    def test_more_than_an_amount_may_be_is_refused(self, order: dict[str, Any]) -> None:
        assert why_rejected(Invalid, **order) == ("invalid", "line_items")

    def test_a_free_order_costs_zero(self) -> None:
        priced = price(make_class(price="0.00", event=make_event(tax=make_rule(rounding="sum_by_net"))))

        assert str(priced.total) == "0.00"

    def test_lines_of_the_same_ticket_class_stay_lines_of_their_own(self) -> None:
        priced = price(line_items=[line(quantity=1), line(quantity=2, unit_price="10.00")])

        assert amounts(priced) == ["45.50", "20.00"]


class TestPrices:
    @pytest.mark.parametrize("item", [line(), line(unit_price=None)])
    def test_a_line_without_a_price_is_sold_at_the_catalogues(self, item: dict[str, Any]) -> None:
        assert str(price(line_items=[item], may_set_price=False).total) == "45.50"

    def test_a_sender_who_may_set_prices_sets_them(self) -> None:
        assert str(price(line_items=[line(unit_price="1.00")]).total) == "1.00"

    def test_a_sender_may_give_a_ticket_away(self) -> None:
        assert str(price(line_items=[line(unit_price="0")]).total) == "0.00"

    @pytest.mark.parametrize("other", ["45.49", "45.51", "0.00"])
    def test_another_price_of_a_sender_who_may_not_set_it_is_rejected(self, other: str) -> None:
        items = [line(), line(unit_price=other)]

        assert why_rejected(PriceMismatch, line_items=items, may_set_price=False) == (
            "price_mismatch",
            "line_items.1.unit_price",
        )

    @pytest.mark.parametrize("same", ["45.50", "45.5"])
    def test_the_catalogues_own_price_is_no_mismatch(self, same: str) -> None:
        assert str(price(line_items=[line(unit_price=same)], may_set_price=False).total) == "45.50"


class TestDecimals:
    @pytest.mark.parametrize("field", ["shipping", "service_fee", "additional_expense", "tax", "discount"])
    def test_an_amount_with_too_many_decimals_is_rejected_by_its_name(self, field: str) -> None:
        assert why_rejected(TooManyDecimals, **{field: "1.234"}) == ("too_many_decimals", field)

    def test_a_price_with_too_many_decimals_is_rejected_by_its_line(self) -> None:
        items = [line(), line(unit_price="1.234")]

        assert why_rejected(TooManyDecimals, line_items=items) == (
            "too_many_decimals",
            "line_items.1.unit_price",
        )

    def test_a_payment_with_too_many_decimals_is_rejected_by_its_place(self) -> None:
        payments = [{"type": "cash"}, {"type": "cash", "amount": "1.234"}]

        assert why_rejected(TooManyDecimals, payments=payments) == ("too_many_decimals", "payments.1.amount")

    @pytest.mark.parametrize(
        ("currency", "amount", "is_allowed"),
        [
            ("JPY", "10", True),
            ("JPY", "10.0", False),
            ("USD", "1.23", True),
            ("USD", "1.230", False),
            ("KWD", "1.234", True),
            ("KWD", "1.2345", False),
            ("CLF", "1.2345", True),
            ("CLF", "1.23456", False),
        ],
    )
    def test_the_currency_says_how_many_decimals_are_too_many(
        self, currency: str, amount: str, is_allowed: bool
    ) -> None:
        ticket_class = make_class(price="1", event=make_event(currency=currency))

        if is_allowed:
            assert price(ticket_class, shipping=amount).shipping == Decimal(amount)
        else:
            assert why_rejected(TooManyDecimals, ticket_class, shipping=amount)[1] == "shipping"


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


class TestWhatIsNotOffered:
    def test_an_unknown_event_is_rejected(self) -> None:
        assert why_rejected(UnknownEvent, event_id="play") == ("unknown_event", "event_id")

    def test_an_unknown_ticket_class_is_rejected_by_its_line(self) -> None:
        items = [line(), line("balcony")]

        assert why_rejected(UnknownTicketClass, line_items=items) == (
            "unknown_ticket_class",
            "line_items.1.ticket_class_id",
        )

    def test_a_ticket_class_of_another_event_than_the_orders_is_rejected(self) -> None:
        classes = make_class(), make_class("stalls", "40.00", make_event("play"))
        items = [line(), line("stalls")]

        assert price(*classes, line_items=items).total == Decimal("85.50")
        assert why_rejected(UnknownTicketClass, *classes, line_items=items, event_id="concert") == (
            "unknown_ticket_class",
            "line_items.1.ticket_class_id",
        )

    def test_an_order_in_another_currency_than_its_event_is_rejected(self) -> None:
        assert why_rejected(CurrencyMismatch, currency="EUR") == ("currency_mismatch", "currency")

    def test_an_order_of_events_in_two_currencies_is_rejected(self) -> None:
        classes = make_class(), make_class("stalls", "40.00", make_event("play", "EUR"))

        assert why_rejected(CurrencyMismatch, *classes, line_items=[line(), line("stalls")]) == (
            "currency_mismatch",
            "line_items.1.ticket_class_id",
        )
