"""What orders cost, by example."""

from decimal import Decimal
from typing import Any

import pytest

from orders.errors import (
    CurrencyMismatch,
    Invalid,
    PriceMismatch,
    TooManyDecimals,
    UnknownEvent,
    UnknownTicketClass,
)
from tests.orders.money.pricing import amounts, line, make_class, make_event, make_rule, price, why_rejected


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
