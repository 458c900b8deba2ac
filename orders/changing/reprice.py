"""What an order costs after a change: its lines as they are now, on the terms on which they were sold."""

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

from orders.change import Change
from orders.errors import TooManyDecimals
from orders.money.charges import charges_of, sold_line
from orders.money.pricing import Charges, PricedOrder, total_up
from orders.money.promo_terms import promo_terms
from orders.money.reduction import reduced
from orders.rows import LineRow
from orders.state import OrderState
from schemas.changes import OrderWords
from schemas.money import ZERO, has_too_many_decimals, round_money

_AMOUNTS = ("shipping", "service_fee", "additional_expense", "tax", "discount")

PRICED = frozenset({*_AMOUNTS, "total_discount", "line_items"})
"""The words of an order that decide what it costs; a change of others changes no amount."""


def ticket_amount(order: OrderState) -> Decimal:
    """Return what the order's tickets cost before everything else: Σ(unit price × quantity)."""
    return sum((line.unit_price * line.quantity for line in order.open_lines()), ZERO)


def reprice(change: Change, words: OrderWords, named: set[str], before: Decimal) -> None:
    """Set the amounts of the order and of its lines for what an update names, and leave the rest as sold.

    `before` is what the tickets cost before the update. Raises `TooManyDecimals` or `NegativeTotal`.
    """
    order = change.order
    currency = order.row.currency
    for name in _AMOUNTS:
        amount = getattr(words, name)
        if amount is not None and has_too_many_decimals(amount, currency):
            raise TooManyDecimals(f"{amount:f} has more decimals than {currency}", name)
    after = ticket_amount(order)
    charges = reduced(charges_of(order.row), before, after, currency)
    given = {name: getattr(words, name) for name in _AMOUNTS if name in named}
    charges = charges._replace(**given)
    if words.total_discount is not None:
        charges = _with_total_discount(change, charges, round_money(words.total_discount, currency))
    elif "discount" not in named and after < before:
        charges = _within_total(order, charges)
    _set(change, price_sold(order, charges), charges)


def reprice_rest(change: Change, before: Decimal) -> None:
    """Set the amounts of what a cancellation left; `before` is what the tickets cost before it."""
    order = change.order
    charges = reduced(charges_of(order.row), before, ticket_amount(order), order.row.currency)
    charges = _within_total(order, charges)
    _set(change, price_sold(order, charges), charges)


def price_sold(order: OrderState, charges: Charges) -> PricedOrder:
    """Return what the order's open lines and the charges come to.

    A promo code counts while the order has lines of its event, and takes off no more than there is.
    """
    currency = order.row.currency
    lines = [sold_line(line, currency) for line in order.open_lines()]
    promo_code = charges.promo_code
    if promo_code is not None and promo_code.event_id not in {line.offer.event.id for line in lines}:
        promo_code = None
    if promo_code is not None and promo_code.amount is not None:
        full = total_up(lines, charges._replace(discount=ZERO, promo_code=None), currency)
        promo_code = replace(promo_code, amount=min(promo_code.amount, full.total))
    return total_up(lines, charges._replace(promo_code=promo_code), currency)


def _within_total(order: OrderState, charges: Charges) -> Charges:
    """Return the charges with a discount that takes off no more than there is."""
    rest = price_sold(order, charges._replace(discount=ZERO)).total
    return charges._replace(discount=min(charges.discount, rest))


def _with_total_discount(change: Change, charges: Charges, total: Decimal) -> Charges:
    """Return charges that take off so much in all. A promo code that would take off more is given up."""
    of_promo_code = price_sold(change.order, charges._replace(discount=ZERO)).discount
    if of_promo_code > total:
        change.order.set(change.order.row._replace(promo_code=None, promo_terms=None))
        return charges._replace(discount=total, promo_code=None)
    return charges._replace(discount=total - of_promo_code)


def _set(change: Change, priced: PricedOrder, charges: Charges) -> None:
    order = change.order
    lines = order.open_lines()
    order.set(
        order.row._replace(
            subtotal=priced.subtotal,
            shipping=priced.shipping,
            service_fee=priced.service_fee,
            additional_expense=priced.additional_expense,
            tax=priced.tax,
            included_tax=priced.included_tax,
            discount=priced.discount,
            total=priced.total,
            given_tax=charges.tax,
            given_discount=None if charges.discount == priced.discount else charges.discount,
            promo_terms=promo_terms(charges.promo_code) if order.row.promo_code else None,
        )
    )
    for line, amounts in zip(lines, priced.lines, strict=True):
        order.lines.put(
            line.line_number,
            line._replace(
                unit_price=amounts.unit_price,
                amount=amounts.amount,
                tax=amounts.tax,
                rounding=amounts.rounding,
            ),
        )


def emptied(line: LineRow, nothing: Decimal) -> LineRow:
    """Return the line without tickets: it stays, costs nothing, and may be used again."""
    return line._replace(quantity=0, amount=nothing, tax=nothing, rounding=nothing)


def check_line_prices(prices: Sequence[Decimal | None], currency: str) -> None:
    """Raise `TooManyDecimals` for a unit price that a line of a patch names; they are in their order."""
    for index, price in enumerate(prices):
        if price is not None and has_too_many_decimals(price, currency):
            raise TooManyDecimals(
                f"{price:f} has more decimals than {currency}", f"line_items.{index}.unit_price"
            )
