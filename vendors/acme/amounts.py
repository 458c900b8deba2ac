"""What the items of an order cost: their prices, and their shares of what the order takes off and owes."""

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
        """Return what one of its tickets costs before anything is taken off."""


@dataclass(frozen=True, slots=True)
class ItemAmounts:
    """What an item costs: before and after what is taken off."""

    amount: Decimal
    discounted: Decimal


NO_AMOUNTS: Final = ItemAmounts(ZERO, ZERO)


def amounts_of(
    lines: Sequence[PricedLine], discount: Decimal, extras: Mapping[Any, Any] | None, currency: str
) -> dict[int, ItemAmounts]:
    """Return the lines' amounts by number; the shares of the discount add up to it exactly.

    Where the discounted prices that were said still make up the order's discount, they are what the
    items cost; else the discount is spread over those that had one, or over all of them.
    """
    live = [line for line in lines if line.quantity]
    amounts = [line.unit_price * line.quantity for line in live]
    entries = entries_of_lines(entry_of(extras), lines)
    said = [_said_discount(line, entries, currency) for line in live]
    if sum(said, ZERO) != discount:
        said = spread(discount, said if any(said) else amounts, currency)
    found = dict.fromkeys((line.line_number for line in lines), NO_AMOUNTS)
    for line, amount, off in zip(live, amounts, said, strict=True):
        found[line.line_number] = ItemAmounts(amount, amount - off)
    return found


def _said_discount(line: PricedLine, entries: Mapping[int, Any], currency: str) -> Decimal:
    entry = entries.get(line.line_number)
    if entry is None or entry.discountedUnitPrice is None:
        return ZERO
    off = round_money((line.unit_price - entry.discountedUnitPrice) * line.quantity, currency)
    return max(off, ZERO)


def discounted_unit_price(line: PricedLine, amounts: ItemAmounts) -> Decimal:
    """Return what one ticket of the line costs after what is taken off: to nine decimals.

    Rounded to the minor unit, the prices of three tickets would not add up to what they cost.
    """
    if not line.quantity:
        return line.unit_price
    return (amounts.discounted / line.quantity).quantize(_FINEST)


def balances_of(
    order: Order, amounts: Mapping[int, ItemAmounts], originals: Mapping[int, ItemAmounts]
) -> dict[int, Decimal]:
    """Return the items' shares of what the order owes: by what they cost, or else by what they did cost."""
    numbers = list(amounts)
    weights = [max(amounts[number].discounted, ZERO) for number in numbers]
    if not any(weights):
        weights = [max(originals.get(number, NO_AMOUNTS).discounted, ZERO) for number in numbers]
    shares = spread(order.totals.balance, weights, order.currency)
    return dict(zip(numbers, shares, strict=True))
