"""The minimum total of orders whose sender may not set prices.

A new order costs at least the catalogue's prices plus the tax of its rule, less a promo code. A sold order
costs at least what its own terms require for its current tickets. The tax of the rule is also accepted, and
required once tickets are added: a tax that was stated for fewer tickets does not cover them.
"""

from collections.abc import Callable, Collection
from decimal import Decimal
from typing import Final

from orders.errors import PriceMismatch
from orders.money.pricing import Charges, PricedLine, PricedOrder, total_up
from schemas.money import ZERO, quantum, zero
from schemas.order_requests import OrderRequest

_CHARGES: Final = ("shipping", "service_fee", "additional_expense")


def check_new_total(order: OrderRequest, priced: PricedOrder) -> None:
    """Raise `PriceMismatch` if a discount or a tax makes a new order cheaper than the catalogue."""
    if order.tax is None and not order.discount:
        return
    charges = Charges(
        order.shipping, order.service_fee, order.additional_expense, None, ZERO, priced.promo_codes
    )
    lines = [_untaxed(line, priced.currency) for line in priced.lines]
    floor = total_up(lines, charges, priced.currency).total
    _check(priced, floor, "discount" if order.discount else "tax")


def check_changed_total(
    priced: PricedOrder,
    charges: Charges,
    sold: Charges,
    total_of: Callable[[Charges], Decimal],
    *,
    named: Collection[str],
    has_more_tickets: bool,
) -> None:
    """Raise `PriceMismatch` if an update makes an order cheaper than its terms of sale.

    `charges` are those with the update and `sold` those without it; `total_of` prices the order's current
    lines.
    """
    floor = total_of(sold._replace(tax=None))
    if sold.tax is not None and not has_more_tickets:
        floor = min(floor, total_of(sold))
    _check(priced, floor, _lowering_field(charges, sold, named))


def check_added_price(price: Decimal, catalogue: Decimal, external_id: str, field: str) -> None:
    """Raise `PriceMismatch` if tickets are added to a line that was sold below the catalogue's price."""
    if price < catalogue:
        raise PriceMismatch(
            f"the price of ticket class {external_id} is {catalogue}, but the line was sold at {price}: "
            "add the tickets as a new line",
            field,
        )


def _check(priced: PricedOrder, floor: Decimal, field: str) -> None:
    if priced.total < floor:
        raise PriceMismatch(
            f"the order costs {floor} {priced.currency}, not {priced.total}: "
            "a lower total needs permission to set prices",
            field,
        )


def _lowering_field(charges: Charges, sold: Charges, named: Collection[str]) -> str:
    if charges.discount > sold.discount:
        return "total_discount" if "total_discount" in named else "discount"
    lowered = (name for name in _CHARGES if getattr(charges, name) < getattr(sold, name))
    return next(lowered, "tax")


def _untaxed(line: PricedLine, currency: str) -> PricedLine:
    amount = (line.unit_price * line.quantity).quantize(quantum(currency))
    return line._replace(amount=amount, tax=zero(currency), rounding=zero(currency))
