"""The amounts of an order, in parts that add up to its total."""

from dataclasses import dataclass
from decimal import Decimal

from schemas.background import EventFacts
from schemas.money import ZERO
from schemas.orders import Order, Totals


@dataclass(frozen=True, slots=True)
class Sums:
    """The parts: the total is the subtotal, the fees, and the tax unless the prices include it."""

    price: Decimal
    """The amount of the tickets before discounts."""
    discount: Decimal
    other_tax: Decimal
    """The correction for tax of the other kind: an order of two events can have included and added tax."""
    service_fee: Decimal
    processing_fee: Decimal
    """Amounts besides prices, service fee and tax: shipping and additional expenses."""
    tax: Decimal
    is_tax_inclusive: bool

    @property
    def subtotal(self) -> Decimal:
        """Return the amount of the tickets after discounts: the document's summary has no discount."""
        return self.price - self.discount + self.other_tax


def sums_of(order: Order, event: EventFacts) -> Sums:
    """Return the parts of the order; its event's tax rule may have changed since the sale."""
    totals = order.totals
    is_inclusive = _is_tax_inclusive(totals, event)
    return Sums(
        price=totals.subtotal,
        discount=totals.discount,
        other_tax=totals.tax if is_inclusive else -totals.included_tax,
        service_fee=totals.service_fee,
        processing_fee=totals.shipping + totals.additional_expense,
        tax=totals.tax + totals.included_tax,
        is_tax_inclusive=is_inclusive,
    )


def _is_tax_inclusive(totals: Totals, event: EventFacts) -> bool:
    if (totals.tax > ZERO) == (totals.included_tax > ZERO):
        return event.tax_is_included
    return totals.included_tax > ZERO
