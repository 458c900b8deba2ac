"""The total that a sender expects of an order."""

from decimal import Decimal
from typing import Protocol

from orders.errors import PriceMismatch
from schemas.money import ZERO

FIELD = "expected_total"


class Costs(Protocol):
    """The amounts of an order: of a priced order, or of an order's row."""

    @property
    def currency(self) -> str:
        """Return the currency."""

    @property
    def subtotal(self) -> Decimal:
        """Return the amount of the tickets."""

    @property
    def discount(self) -> Decimal:
        """Return the discount."""

    @property
    def total(self) -> Decimal:
        """Return the amount to be paid."""


def check_expected_total(expected: Decimal | None, costs: Costs) -> None:
    """Raise `PriceMismatch` unless the total is `expected`, with or without fees and tax."""
    if expected is None or expected in (costs.total, max(costs.subtotal - costs.discount, ZERO)):
        return
    raise PriceMismatch(f"the order costs {costs.total} {costs.currency}, not {expected:f}", FIELD)
