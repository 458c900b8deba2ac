"""What is true of every price, in currencies of 0, 2, 3 and 4 decimals."""

import dataclasses
from decimal import Decimal, FloatOperation, localcontext
from fractions import Fraction

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orders.catalogue.prices import TaxRule
from orders.errors import NegativeTotal
from orders.money.pricing import PricedLine, PricedOrder
from schemas.money import round_money
from tests.orders.money.sales import (
    DECIMALS,
    EXTRAS,
    Sale,
    by_line,
    currencies,
    half_up,
    keeps_gross,
    percentages,
    rules,
    sales,
    small,
    sums_by_net,
    units,
)

thoroughly = settings(deadline=None, max_examples=200, suppress_health_check=[HealthCheck.too_slow])


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
