"""What a sender believes that an order costs."""

from decimal import Decimal
from typing import Protocol

from orders.errors import PriceMismatch
from schemas.money import ZERO

FIELD = "expected_total"


class Costs(Protocol):
    """What an order costs: a priced order, or the row of one."""

    @property
    def currency(self) -> str:
        """Return its currency."""

    @property
    def subtotal(self) -> Decimal:
        """Return what its tickets cost."""

    @property
    def discount(self) -> Decimal:
        """Return what is taken off."""

    @property
    def total(self) -> Decimal:
        """Return what is to be paid."""


def check_expected_total(expected: Decimal | None, costs: Costs) -> None:
    """Raise `PriceMismatch` unless the order costs that, with its fees and its tax or without them."""
    if expected is None or expected in (costs.total, max(costs.subtotal - costs.discount, ZERO)):
        return
    raise PriceMismatch(f"the order costs {costs.total} {costs.currency}, not {expected:f}", FIELD)
