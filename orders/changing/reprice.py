"""Repricing a changed order: its current lines, on their terms of sale."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import NamedTuple

from orders.changing.merge import MergedPatch
from orders.errors import TooManyDecimals
from orders.money.charges import charges_of, given_discount, sold_line
from orders.money.price_floor import check_changed_total
from orders.money.pricing import Charges, PricedOrder, total_up
from orders.money.promo_terms import promo_terms, uses_of
from orders.money.reduction import Amounts, Off, reduced
from orders.order_change import Change
from orders.rows import LineRow
from orders.state import OrderState
from schemas.money import ZERO, has_too_many_decimals, round_money

_AMOUNTS = ("shipping", "service_fee", "additional_expense", "tax", "discount")

PRICED = frozenset({*_AMOUNTS, "total_discount", "line_items"})
"""The fields of an order that determine its price; changes of other fields change no amount."""


class Before(NamedTuple):
    """The state of an order before a change: the number of tickets, their amounts and discounts."""

    amounts: Amounts
    off: Off
    quantities: Mapping[int, int]


def before_change(order: OrderState) -> Before:
    """Return the current state, to call before a change."""
    row = order.row
    promo_codes = charges_of(row).promo_codes
    by_promo_code = row.discount - given_discount(row)
    if len(promo_codes) == 1 and promo_codes[0].amount is not None:
        by_promo_code = promo_codes[0].amount
    quantities = {line.line_number: line.quantity for line in order.open_lines()}
    return Before(ticket_amounts(order), Off(row.tax, by_promo_code), quantities)


def ticket_amounts(order: OrderState) -> Amounts:
    """Return the amounts of the order's tickets before all charges, by their events' ids."""
    amounts: dict[str, Decimal] = {}
    for line in order.open_lines():
        amounts[line.event_id] = amounts.get(line.event_id, ZERO) + line.unit_price * line.quantity
    return amounts


def reprice(change: Change, merged: MergedPatch, before: Before) -> None:
    """Set the amounts of the order and of its lines that an update affects, and leave the rest as sold.

    Raises `TooManyDecimals`, `NegativeTotal` or `PriceMismatch`.
    """
    requested, named = merged.requested, merged.named
    order = change.order
    currency = order.row.currency
    for name in (name for name in _AMOUNTS if name in named):
        amount = getattr(requested, name)
        if amount is not None and has_too_many_decimals(amount, currency):
            raise TooManyDecimals(f"{amount:f} has more decimals than {currency}", name)
    after = ticket_amounts(order)
    sold = reduced(charges_of(order.row), before.amounts, after, before.off, currency)
    charges = sold
    given = charges_of(order.row)._replace(
        **{name: getattr(requested, name) for name in _AMOUNTS if name in named}
    )
    for was, left in merged.shrunk:
        # A late update's amounts also covered the tickets that were removed since.
        given = reduced(given, {"": was}, {"": left}, Off(), currency)
    charges = charges._replace(**{name: getattr(given, name) for name in _AMOUNTS if name in named})
    if requested.total_discount is not None:
        charges = _with_total_discount(change, charges, round_money(requested.total_discount, currency))
    elif merged.shrunk or ("discount" not in named and sum(after.values()) < sum(before.amounts.values())):
        charges = _within_total(order, charges)
    priced = price_sold(order, charges)
    if not change.request.may_set_price:
        check_changed_total(
            priced,
            charges,
            sold,
            lambda charges: price_sold(order, _within_total(order, charges)).total,
            named=named,
            has_more_tickets=_has_more_tickets(order, before),
        )
    _set(change, priced, charges)


def _has_more_tickets(order: OrderState, before: Before) -> bool:
    return any(line.quantity > before.quantities.get(line.line_number, 0) for line in order.open_lines())


def reprice_rest(change: Change, before: Before) -> None:
    """Set the amounts of the rest of the order after a cancellation."""
    order = change.order
    after, currency = ticket_amounts(order), order.row.currency
    charges = reduced(charges_of(order.row), before.amounts, after, before.off, currency)
    charges = _within_total(order, charges)
    _set(change, price_sold(order, charges), charges)


def price_sold(order: OrderState, charges: Charges) -> PricedOrder:
    """Return the priced order of the open lines and the charges."""
    currency = order.row.currency
    return total_up([sold_line(line, currency) for line in order.open_lines()], charges, currency)


def _within_total(order: OrderState, charges: Charges) -> Charges:
    """Return the charges with the discount limited to the total."""
    rest = price_sold(order, charges._replace(discount=ZERO)).total
    return charges._replace(discount=min(charges.discount, rest))


def _with_total_discount(change: Change, charges: Charges, total: Decimal) -> Charges:
    """Return charges with this total discount. A promo code with a larger discount is removed."""
    of_promo_code = price_sold(change.order, charges._replace(discount=ZERO)).discount
    if of_promo_code > total:
        give_back_promo_uses(change)
        change.order.set(change.order.row._replace(promo_code=None, promo_terms=None))
        return charges._replace(discount=total, promo_codes=())
    return charges._replace(discount=total - of_promo_code)


def give_back_promo_uses(change: Change) -> None:
    """Return the order's uses of its promo code."""
    for promo_code_id in uses_of(change.order.row.promo_terms):
        change.world.stock.use(promo_code_id, -1)


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
            promo_terms=promo_terms(charges.promo_codes) if order.row.promo_code else None,
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
    """Return the line without tickets and amounts; it may be reused."""
    return line._replace(quantity=0, amount=nothing, tax=nothing, rounding=nothing)


def check_line_prices(prices: Sequence[Decimal | None], currency: str) -> None:
    """Raise `TooManyDecimals` for the first unit price of a patch's lines with too many decimals."""
    for index, price in enumerate(prices):
        if price is not None and has_too_many_decimals(price, currency):
            raise TooManyDecimals(
                f"{price:f} has more decimals than {currency}", f"line_items.{index}.unit_price"
            )
