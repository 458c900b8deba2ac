"""What is true of every price, in currencies of 0, 2, 3 and 4 decimals."""

import dataclasses
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal, FloatOperation, localcontext
from fractions import Fraction
from math import floor
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from iso4217 import Currency

from orders.catalogue.prices import EventOffer, Pick, PromoCodeOffer, TaxRule, TicketClassOffer
from orders.errors import NegativeTotal
from orders.money.pricing import PricedLine, PricedOrder, price_order
from schemas.money import round_money
from schemas.order_requests import OrderRequest

# How long one example takes says nothing here, and differs where tests share a processor.
thoroughly = settings(deadline=None, max_examples=200, suppress_health_check=[HealthCheck.too_slow])

# Every currency of ISO 4217 that anything is priced in, with its decimals.
DECIMALS = {one.code: one.exponent for one in Currency if one.exponent is not None}
LARGEST = 10**7  # in minor units: eight lines of 1,000 tickets stay below the twelve digits of an amount
EXTRAS = ("shipping", "service_fee", "additional_expense")

# The few with other than two decimals as often as all others.
currencies = st.sampled_from(["JPY", "USD", "KWD", "CLF"]) | st.sampled_from(sorted(DECIMALS))
# Halves and twentieths often end on half a minor unit.
rates = (
    st.sampled_from(["0", "0.000001", "0.05", "0.055", "0.08875", "0.19", "0.5", "0.999999", "1"]).map(
        Decimal
    )
    | st.just(Decimal("0.5"))
    | st.decimals(0, 1, places=6)
)
percentages = st.sampled_from(["2.5", "10", "12.5", "50", "100"]).map(Decimal) | st.decimals(
    "0.0001", 100, places=4
)
# Small amounts are where roundings meet; large ones are where digits could be lost.
small = st.integers(0, 30) | st.integers(0, 100_000)
units = small | st.integers(0, LARGEST)


@dataclass(frozen=True)
class Line:
    """A line to be priced: its event's number, the price in minor units, and whether the request names it."""

    event: int
    price: int
    quantity: int
    is_explicit: bool


@dataclass(frozen=True)
class Sale:
    """An order to be priced, in minor units."""

    currency: str
    rules: tuple[TaxRule | None, ...]
    lines: tuple[Line, ...]
    extras: tuple[int, int, int] = (0, 0, 0)
    discount: int = 0
    tax: int | None = None
    percent: Decimal | None = None

    def price(self, lines: Sequence[Line] | None = None) -> PricedOrder:
        lines = self.lines if lines is None else lines
        events = [
            EventOffer(str(UUID(int=number)), str(number), self.currency, rule)
            for number, rule in enumerate(self.rules)
        ]
        offers = tuple(
            TicketClassOffer(
                str(UUID(int=number)), str(number), events[line.event], self.money(line.price), False
            )
            for number, line in enumerate(lines)
        )
        items = [
            {"ticket_class_id": str(number), "quantity": line.quantity}
            | ({"unit_price": self.written(line.price)} if line.is_explicit else {})
            for number, line in enumerate(lines)
        ]
        request: dict[str, Any] = {
            "buyer": {"first_name": "Ada", "last_name": "Example", "email": "ada@example.com"},
            "line_items": items,
            "discount": self.written(self.discount),
            **{name: self.written(extra) for name, extra in zip(EXTRAS, self.extras, strict=True)},
        }
        if self.tax is not None:
            request["tax"] = self.written(self.tax)
        promo = self.percent and PromoCodeOffer(
            str(UUID(int=1)), events[lines[0].event].id, "P", self.percent, None
        )
        picked = Pick(offers, self.currency, (promo,) if promo else ())
        return price_order(OrderRequest.model_validate(request), picked, may_set_price=True)

    def money(self, amount: int) -> Decimal:
        return Decimal(amount).scaleb(-DECIMALS[self.currency])

    def written(self, amount: int) -> str:
        return format(self.money(amount), "f")

    def units(self, amount: Decimal) -> int:
        whole = Fraction(amount) * 10 ** DECIMALS[self.currency]
        assert whole.denominator == 1
        return int(whole)

    def of_rule(self, priced: PricedOrder) -> Iterator[tuple[TaxRule, list[PricedLine]]]:
        """Each tax rule with the priced lines of its event."""
        for number, rule in enumerate(self.rules):
            of_event = [line for line in priced.lines if line.offer.event.id == str(UUID(int=number))]
            if rule is not None and of_event:
                yield rule, of_event


def half_up(value: Fraction) -> int:
    return floor(value + Fraction(1, 2))


def rules(*roundings: str) -> st.SearchStrategy[TaxRule]:
    return st.builds(TaxRule, rate=rates, is_included=st.booleans(), rounding=st.sampled_from(roundings))


any_rule = rules("line", "sum_by_net", "sum_by_net_keep_gross")
some_rule = st.none() | any_rule
by_line = rules("line")
sums_by_net = rules("sum_by_net")
keeps_gross = rules("sum_by_net_keep_gross")


@st.composite
def sales(
    draw: st.DrawFn,
    rule: st.SearchStrategy[TaxRule | None] = some_rule,
    units: st.SearchStrategy[int] = units,
) -> Sale:
    """Orders of 1 to 8 lines of 1 to 3 events, whose tax is computed and whose discount leaves something."""
    of_event = draw(st.lists(rule, min_size=1, max_size=3))
    lines = draw(
        st.lists(
            st.builds(
                Line,
                event=st.integers(0, len(of_event) - 1),
                price=units,
                quantity=st.integers(1, 3) | st.integers(1, 1_000),
                is_explicit=st.booleans(),
            ),
            min_size=1,
            max_size=8,
        )
    )
    # Sum-by-net may take a minor unit from each line.
    worth = max(sum(line.price * line.quantity for line in lines) - len(lines), 0)
    return Sale(
        currency=draw(currencies),
        rules=tuple(of_event),
        lines=tuple(lines),
        extras=draw(st.tuples(units, units, units)),
        discount=draw(st.integers(0, min(worth, LARGEST))),
    )


@thoroughly
@given(sales(), st.none() | units)
def test_the_total_is_the_sum_of_its_parts(sale: Sale, tax: int | None) -> None:
    priced = dataclasses.replace(sale, tax=tax).price()

    extras = Fraction(sum(sale.extras), 10 ** DECIMALS[sale.currency])
    lines = sum(Fraction(line.amount) for line in priced.lines)
    assert Fraction(priced.subtotal) == lines
    assert Fraction(priced.total) == lines + extras + Fraction(priced.tax) - Fraction(priced.discount)
    assert priced.shipping + priced.service_fee + priced.additional_expense == Decimal(
        sale.written(sum(sale.extras))
    )
    assert sale.units(priced.discount) == sale.discount


@thoroughly
@given(sales(), st.none() | units)
def test_every_amount_is_a_decimal_of_zero_or_more_with_the_decimals_of_the_currency(
    sale: Sale, tax: int | None
) -> None:
    priced = dataclasses.replace(sale, tax=tax).price()

    amounts = [
        getattr(priced, name) for name in (*EXTRAS, "subtotal", "tax", "included_tax", "discount", "total")
    ]
    amounts += [amount for line in priced.lines for amount in (line.unit_price, line.amount, line.tax)]
    roundings = [line.rounding for line in priced.lines]
    for amount in (*amounts, *roundings):
        assert type(amount) is Decimal
        assert amount.as_tuple().exponent == -DECIMALS[sale.currency]
    assert min(amounts) >= 0


@thoroughly
@given(sales())
def test_no_float_takes_part(sale: Sale) -> None:
    with localcontext() as context:
        context.traps[FloatOperation] = True
        priced = sale.price()

    values = [*priced, *(value for line in priced.lines for value in line)]
    assert not any(isinstance(value, float) for value in values)


@thoroughly
@given(sales())
def test_a_line_is_unit_price_times_quantity_plus_what_was_spread_into_its_price(sale: Sale) -> None:
    for line, asked in zip(sale.price().lines, sale.lines, strict=True):
        rule = sale.rules[asked.event]
        changes_price = rule is not None and rule.is_included and rule.rounding == "sum_by_net"
        spread = line.rounding if changes_price else Decimal(0)
        assert (sale.units(line.unit_price), line.quantity) == (asked.price, asked.quantity)
        assert sale.units(line.amount) == asked.price * asked.quantity + sale.units(spread)


@thoroughly
@given(sales())
def test_the_taxes_of_the_lines_add_up_to_the_taxes_of_the_order(sale: Sale) -> None:
    priced = sale.price()

    taxed = {True: Decimal(0), False: Decimal(0)}
    for rule, lines in sale.of_rule(priced):
        taxed[rule.is_included] += sum(line.tax for line in lines)
    assert (priced.included_tax, priced.tax) == (taxed[True], taxed[False])
    assert all(line.tax == 0 for line in priced.lines if line.offer.event.tax is None)


@thoroughly
@given(sales(by_line))
def test_tax_by_line_is_each_lines_own_rounded_half_up(sale: Sale) -> None:
    for rule, lines in sale.of_rule(sale.price()):
        for line in lines:
            amount, rate = sale.units(line.amount), Fraction(rule.rate)
            tax = amount - half_up(amount / (1 + rate)) if rule.is_included else half_up(amount * rate)
            assert sale.units(line.tax) == tax
            assert line.rounding == 0


@thoroughly
@given(sales(sums_by_net))
def test_tax_by_net_sum_is_the_rounded_tax_of_the_sum(sale: Sale) -> None:
    priced = sale.price()

    for rule, lines in sale.of_rule(priced):
        rate = Fraction(rule.rate)
        asked = [sale.units(line.unit_price) * line.quantity for line in lines]
        nets = [half_up(amount / (1 + rate)) for amount in asked] if rule.is_included else asked
        assert sum(sale.units(line.tax) for line in lines) == half_up(sum(nets) * rate)
        if rule.is_included:
            assert [sale.units(line.amount - line.tax) for line in lines] == nets


@thoroughly
@given(sales(keeps_gross))
def test_with_gross_kept_the_advertised_prices_are_what_is_charged(sale: Sale) -> None:
    priced = sale.price()

    for rule, lines in sale.of_rule(priced):
        rate = Fraction(rule.rate)
        asked = [sale.units(line.unit_price) * line.quantity for line in lines]
        assert [sale.units(line.amount) for line in lines] == asked
        gross = sum(asked)
        tax = gross - half_up(gross / (1 + rate)) if rule.is_included else half_up(gross * rate)
        assert sum(sale.units(line.tax) for line in lines) == tax
        assert all(0 <= line.tax <= line.amount for line in lines)


@thoroughly
@given(sales(rules("sum_by_net", "sum_by_net_keep_gross")))
def test_the_spread_is_one_minor_unit_a_line_at_most_and_all_of_one_sign(sale: Sale) -> None:
    for _, lines in sale.of_rule(sale.price()):
        assert {sale.units(line.rounding) for line in lines} in ({0}, {1}, {-1}, {0, 1}, {0, -1})


@thoroughly
@given(sales(rules("sum_by_net", "sum_by_net_keep_gross")))
def test_the_spread_goes_to_the_lines_of_the_largest_gross(sale: Sale) -> None:
    for rule, lines in sale.of_rule(sale.price()):

        def gross_before(line: PricedLine, rule: TaxRule = rule) -> Decimal:
            if rule.is_included:
                return line.unit_price * line.quantity
            return line.amount - line.rounding + line.tax

        spread = [gross_before(line) for line in lines if line.rounding]
        others = [gross_before(line) for line in lines if not line.rounding]
        if spread and others:
            assert min(spread) >= max(others)


@thoroughly
@given(sales(), st.data())
def test_the_order_of_the_lines_changes_no_amount(sale: Sale, data: st.DataObject) -> None:
    shuffled = data.draw(st.permutations(sale.lines))

    one, other = sale.price(), sale.price(shuffled)

    assert parts(one) == parts(other)
    assert sorted(map(line_parts, one.lines)) == sorted(map(line_parts, other.lines))


@thoroughly
@given(sales())
def test_a_price_in_the_request_costs_what_the_same_price_in_the_catalogue_costs(sale: Sale) -> None:
    def with_prices(is_explicit: bool) -> PricedOrder:
        return sale.price([dataclasses.replace(line, is_explicit=is_explicit) for line in sale.lines])

    assert with_prices(True) == with_prices(False)


@thoroughly
@given(sales(), percentages)
def test_a_percentage_off_is_rounded_half_up_once(sale: Sale, percent: Decimal) -> None:
    priced = dataclasses.replace(sale, percent=percent).price()

    event = priced.lines[0].offer.event
    of_event = sum(sale.units(line.amount) for line in priced.lines if line.offer.event == event)
    taken_off = half_up(of_event * Fraction(percent) / 100)
    left = sale.units(sale.price().total)
    assert sale.units(priced.discount) - sale.discount == min(taken_off, left)


@thoroughly
@given(sales(units=small), st.integers(1, 1_000))
def test_a_discount_is_refused_exactly_when_it_is_larger_than_the_rest(sale: Sale, excess: int) -> None:
    total = sale.units(sale.price().total)

    assert dataclasses.replace(sale, discount=sale.discount + total).price().total == 0
    with pytest.raises(NegativeTotal):
        dataclasses.replace(sale, discount=sale.discount + total + excess).price()


def near_ties(currency: str) -> st.SearchStrategy[Decimal]:
    """Amounts at, just below and just above half a minor unit."""
    half = Decimal(5).scaleb(-DECIMALS[currency] - 1)
    nudges = st.sampled_from([Decimal(0), Decimal("1e-12"), Decimal("-1e-12")])
    return st.builds(
        lambda whole, nudge: Decimal(whole).scaleb(-DECIMALS[currency]) + half + nudge,
        st.integers(0, 10**9),
        nudges,
    )


@thoroughly
@given(st.data(), currencies)
def test_money_is_rounded_half_up_as_fractions_round_it(data: st.DataObject, currency: str) -> None:
    any_amount = st.decimals(0, 10**12, places=9)
    amount = data.draw(near_ties(currency) | any_amount)

    rounded = round_money(amount, currency)

    scale = 10 ** DECIMALS[currency]
    assert Fraction(rounded) == Fraction(half_up(Fraction(amount) * scale), scale)
    assert rounded.as_tuple().exponent == -DECIMALS[currency]


def parts(priced: PricedOrder) -> dict[str, Decimal]:
    names = (*EXTRAS, "subtotal", "tax", "included_tax", "discount", "total")
    return {name: getattr(priced, name) for name in names}


def line_parts(line: PricedLine) -> tuple[str, Decimal, Decimal, Decimal]:
    return line.offer.event.external_id, line.amount, line.tax, line.rounding
