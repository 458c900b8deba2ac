"""The amounts of an order's items: their prices, and their shares of the order's discount and balance."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final, Protocol

from schemas.money import ZERO, round_money
from schemas.orders import Order
from vendors.acme.extras import Line, entries_of_lines, entry_of
from vendors.values import spread

_FINEST: Final = Decimal("1e-9")


class PricedLine(Line, Protocol):
    """A line of an order with its price."""

    @property
    def unit_price(self) -> Decimal:
        """Return the price of one ticket before discounts."""


@dataclass(frozen=True, slots=True)
class ItemAmounts:
    """The amount of an item, before and after its discount."""

    amount: Decimal
    discounted: Decimal


NO_AMOUNTS: Final = ItemAmounts(ZERO, ZERO)


def amounts_of(
    lines: Sequence[PricedLine], discount: Decimal, extras: Mapping[Any, Any] | None, currency: str
) -> dict[int, ItemAmounts]:
    """Return the lines' amounts by line number; the shares of the discount add up to it exactly.

    If the stated discounted prices still add up to the order's discount, they apply; otherwise the discount
    is spread over the items that had one, or over all items.
    """
    live = [line for line in lines if line.quantity]
    amounts = [line.unit_price * line.quantity for line in live]
    entries = entries_of_lines(entry_of(extras), lines)
    stated = [_stated_discount(line, entries, currency) for line in live]
    if sum(stated, ZERO) != discount:
        stated = spread(discount, stated if any(stated) else amounts, currency)
    found = dict.fromkeys((line.line_number for line in lines), NO_AMOUNTS)
    for line, amount, off in zip(live, amounts, stated, strict=True):
        found[line.line_number] = ItemAmounts(amount, amount - off)
    return found


def _stated_discount(line: PricedLine, entries: Mapping[int, Any], currency: str) -> Decimal:
    entry = entries.get(line.line_number)
    if entry is None or entry.discountedUnitPrice is None:
        return ZERO
    off = round_money((line.unit_price - entry.discountedUnitPrice) * line.quantity, currency)
    return max(off, ZERO)


def discounted_unit_price(line: PricedLine, amounts: ItemAmounts) -> Decimal:
    """Return the discounted price of one ticket of the line, rounded to nine decimals.

    Rounded to the minor unit, the prices of three tickets might not add up to the line's amount.
    """
    if not line.quantity:
        return line.unit_price
    return (amounts.discounted / line.quantity).quantize(_FINEST)


def balances_of(
    order: Order, amounts: Mapping[int, ItemAmounts], originals: Mapping[int, ItemAmounts]
) -> dict[int, Decimal]:
    """Return the items' shares of the order's balance, by current amounts or else by original ones."""
    numbers = list(amounts)
    weights = [max(amounts[number].discounted, ZERO) for number in numbers]
    if not any(weights):
        weights = [max(originals.get(number, NO_AMOUNTS).discounted, ZERO) for number in numbers]
    shares = spread(order.totals.balance, weights, order.currency)
    return dict(zip(numbers, shares, strict=True))
