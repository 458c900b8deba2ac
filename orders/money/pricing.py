"""Pricing orders. Pure: the same request and the same offers give the same amounts.

Total = Σ(unit price × quantity) + shipping + service fee + additional expense + tax − discount.
Every amount is rounded half up to the currency's minor unit, once, where it is computed.
"""

from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from itertools import cycle
from typing import Final, NamedTuple

from orders.catalogue.prices import Pick, PromoCodeOffer, TaxRule, TicketClassOffer
from orders.errors import Invalid, NegativeTotal, PriceMismatch, TooManyDecimals
from schemas.money import MAX_AMOUNT, ZERO, has_too_many_decimals, quantum, round_money, zero
from schemas.order_requests import LineItemRequest, OrderRequest

_AMOUNTS = ("shipping", "service_fee", "additional_expense", "tax", "discount")


class PricedLine(NamedTuple):
    """One line: `amount` is unit price × quantity, and `rounding` its share of a rounding difference.

    `sum_by_net` changes the amount and the tax if the price includes the tax, otherwise only the tax.
    """

    offer: TicketClassOffer
    quantity: int
    unit_price: Decimal
    amount: Decimal
    tax: Decimal
    rounding: Decimal


class PricedOrder(NamedTuple):
    """An order's lines and the parts of its total; `included_tax` is part of the subtotal."""

    currency: str
    lines: tuple[PricedLine, ...]
    subtotal: Decimal
    shipping: Decimal
    service_fee: Decimal
    additional_expense: Decimal
    tax: Decimal
    included_tax: Decimal
    discount: Decimal
    total: Decimal
    promo_codes: tuple[PromoCodeOffer, ...]


TOTALS: Final = (
    "subtotal",
    "shipping",
    "service_fee",
    "additional_expense",
    "tax",
    "included_tax",
    "discount",
    "total",
)
"""The amounts of an order, as named in its row and in its pricing."""


class Charges(NamedTuple):
    """The amounts that determine an order's total besides its lines; without `tax` the lines' rules apply.

    `promo_codes` is the order's promo code, once for each of its events that has it.
    """

    shipping: Decimal
    service_fee: Decimal
    additional_expense: Decimal
    tax: Decimal | None
    discount: Decimal
    promo_codes: tuple[PromoCodeOffer, ...]


def price_order(order: OrderRequest, picked: Pick, *, may_set_price: bool) -> PricedOrder:
    """Return the priced new order; `picked` has an offer for each line, all in one currency.

    Raises `TooManyDecimals`, `PriceMismatch` or `NegativeTotal`.
    """
    currency = picked.currency
    _check_decimals(order, currency)
    lines = [
        _price_line(item, offer, index, may_set_price)
        for index, (item, offer) in enumerate(zip(order.line_items, picked.offers, strict=True))
    ]
    charges = Charges(
        order.shipping,
        order.service_fee,
        order.additional_expense,
        order.tax,
        order.discount,
        picked.promo_codes,
    )
    return total_up(lines, charges, currency)


def total_up(lines: Sequence[PricedLine], charges: Charges, currency: str) -> PricedOrder:
    """Return the priced order with the lines' taxes and the total of lines and charges.

    Raises `NegativeTotal`, or `Invalid` above the maximum amount.
    The given lines have `amount` as unit price × quantity, without tax and rounding.
    """
    if charges.tax is None:
        lines = _tax_lines(lines, currency)
    subtotal = tax = included_tax = ZERO
    for line in lines:
        subtotal += line.amount
        if _is_included(line):
            included_tax += line.tax
        else:
            tax += line.tax
    if charges.tax is not None:
        tax, included_tax = charges.tax, ZERO
    before_discount = subtotal + charges.shipping + charges.service_fee + charges.additional_expense + tax
    check_bound(before_discount, currency, "line_items")
    if charges.discount > before_discount:
        raise NegativeTotal(
            f"the discount of {charges.discount} is larger than the rest of the order, {before_discount}",
            "discount",
        )
    by_promo_code = promo_discount(charges.promo_codes, lines, currency)
    discount = min(charges.discount + by_promo_code, before_discount)
    unit = quantum(currency)
    return PricedOrder(
        currency=currency,
        lines=tuple(lines),
        subtotal=subtotal.quantize(unit),
        shipping=charges.shipping.quantize(unit),
        service_fee=charges.service_fee.quantize(unit),
        additional_expense=charges.additional_expense.quantize(unit),
        tax=tax.quantize(unit),
        included_tax=included_tax.quantize(unit),
        discount=discount.quantize(unit),
        total=(before_discount - discount).quantize(unit),
        promo_codes=charges.promo_codes,
    )


def check_bound(amount: Decimal, currency: str, field: str) -> None:
    """Raise `Invalid` above the maximum amount, which a sum of valid amounts may exceed."""
    if amount >= MAX_AMOUNT:
        raise Invalid(f"{amount:f} {currency} is too large: an amount may have at most 12 digits", field)


def _sum(amounts: Iterable[Decimal]) -> Decimal:
    return sum(amounts, ZERO)


def _check_decimals(order: OrderRequest, currency: str) -> None:
    for field, amount in _given_amounts(order):
        if has_too_many_decimals(amount, currency):
            raise TooManyDecimals(f"{amount:f} has more decimals than {currency}", field)


def _given_amounts(order: OrderRequest) -> Iterator[tuple[str, Decimal]]:
    """Yield the amounts that the producer stated, with their fields; the defaults need no check."""
    for field in _AMOUNTS:
        amount = getattr(order, field)
        if amount is not None and amount is not ZERO:
            yield field, amount
    for index, item in enumerate(order.line_items):
        if item.unit_price is not None:
            yield f"line_items.{index}.unit_price", item.unit_price
    for index, payment in enumerate(order.payments):
        if payment.amount is not None:
            yield f"payments.{index}.amount", payment.amount


def _price_line(
    item: LineItemRequest, offer: TicketClassOffer, index: int, may_set_price: bool
) -> PricedLine:
    unit = quantum(offer.event.currency)
    unit_price = offer.price if item.unit_price is None else item.unit_price
    if unit_price != offer.price and not may_set_price:
        raise PriceMismatch(
            f"the price of ticket class {offer.external_id} is {offer.price}, not {unit_price:f}",
            f"line_items.{index}.unit_price",
        )
    return PricedLine(
        offer=offer,
        quantity=item.quantity,
        unit_price=unit_price.quantize(unit),
        amount=(unit_price * item.quantity).quantize(unit),
        tax=zero(offer.event.currency),
        rounding=zero(offer.event.currency),
    )


def _is_included(line: PricedLine) -> bool:
    return line.offer.event.tax is not None and line.offer.event.tax.is_included


def _tax_lines(lines: Sequence[PricedLine], currency: str) -> list[PricedLine]:
    """Return the lines with the tax of their rules, in order; a rule is applied event by event.

    Lines of one event can have different rules if the event's rule changed between their sales.
    """
    if len(lines) == 1:  # nearly every order
        rule = lines[0].offer.event.tax
        return list(lines) if rule is None else _tax_event(lines, rule, currency)
    taxed = list(lines)
    groups: dict[tuple[str, TaxRule], list[int]] = {}
    for index, line in enumerate(lines):
        rule = line.offer.event.tax
        if rule is not None:
            groups.setdefault((line.offer.event.id, rule), []).append(index)
    for (_, rule), indexes in groups.items():
        of_event = _tax_event([lines[index] for index in indexes], rule, currency)
        for index, line in zip(indexes, of_event, strict=True):
            taxed[index] = line
    return taxed


def _tax_event(lines: Sequence[PricedLine], rule: TaxRule, currency: str) -> list[PricedLine]:
    nets = [_net(line.amount, rule, currency) for line in lines]
    taxed = [
        PricedLine(
            offer=line.offer,
            quantity=line.quantity,
            unit_price=line.unit_price,
            amount=line.amount,
            tax=line.amount - net if rule.is_included else round_money(net * rule.rate, currency),
            rounding=line.rounding,
        )
        for line, net in zip(lines, nets, strict=True)
    ]
    if rule.rounding == "line":
        return taxed
    if rule.is_included and rule.rounding == "sum_by_net_keep_gross":
        gross = _sum(line.amount for line in lines)
        tax = gross - _net(gross, rule, currency)
    else:
        tax = round_money(_sum(nets) * rule.rate, currency)
    return _spread(taxed, tax - _sum(line.tax for line in taxed), rule, currency)


def _net(amount: Decimal, rule: TaxRule, currency: str) -> Decimal:
    return round_money(amount / (1 + rule.rate), currency) if rule.is_included else amount


def _spread(
    lines: Sequence[PricedLine], difference: Decimal, rule: TaxRule, currency: str
) -> list[PricedLine]:
    """Spread the difference, one minor unit at a time, over the lines in order of descending gross."""
    unit = quantum(currency).copy_sign(difference)
    changes_amount = rule.is_included and rule.rounding == "sum_by_net"
    gross = [line.amount + (0 if rule.is_included else line.tax) for line in lines]
    descending = sorted(range(len(lines)), key=lambda index: -gross[index])
    spread = list(lines)
    for _, index in zip(range(int(difference / unit)), cycle(descending), strict=False):
        line = spread[index]
        spread[index] = line._replace(
            tax=line.tax + unit,
            amount=line.amount + unit if changes_amount else line.amount,
            rounding=line.rounding + unit,
        )
    return spread


def promo_discount(
    promo_codes: Iterable[PromoCodeOffer], lines: Sequence[PricedLine], currency: str
) -> Decimal:
    """Return a promo code's discount: for each event with lines, a percentage of them or its amount.

    An amount is deducted once from the order, however many of its events have it.
    """
    total, has_amount = ZERO, False
    for promo_code in promo_codes:
        of_event = [line.amount for line in lines if line.offer.event.id == promo_code.event_id]
        if not of_event:
            continue
        if promo_code.percent is not None:
            total += round_money(_sum(of_event) * promo_code.percent / 100, currency)
        elif promo_code.amount is not None and not has_amount:
            total, has_amount = total + promo_code.amount, True
    return total
