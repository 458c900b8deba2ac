"""What an order is to be, computed from the words of its requests with nothing of `orders/`."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from tests.faults.system.catalogue import PRICES, PROMO_AMOUNT, PROMO_CODES, TAX_PERCENT, TAXED

_CENT = Decimal("0.01")


@dataclass(frozen=True)
class Expected:
    """An order, or a hold, after the requests so far."""

    lines: tuple[tuple[str, int], ...] = ()
    """Ticket classes, and how many valid tickets of each."""
    shipping: Decimal = Decimal(0)
    service_fee: Decimal = Decimal(0)
    discount: Decimal = Decimal(0)
    paid: Decimal = Decimal(0)
    status: str = "placed"
    voided: int = 0
    checked_in: int = 0
    changes: int = 0
    email: str | None = None
    """Of the buyer; None where the request names none."""
    prices: Mapping[str, str] = field(default_factory=lambda: PRICES)
    """On which its tickets were sold: later changes keep to them."""

    @property
    def subtotal(self) -> Decimal:
        return sum((Decimal(self.prices[name]) * count for name, count in self.lines), Decimal(0))

    @property
    def tax(self) -> Decimal:
        taxed = (Decimal(self.prices[name]) * count for name, count in self.lines if name == TAXED)
        return sum(
            ((one * TAX_PERCENT / 100).quantize(_CENT, ROUND_HALF_UP) for one in taxed),
            Decimal(0),
        )

    @property
    def total(self) -> Decimal:
        if self.status == "cancelled":
            return Decimal(0)
        return self.subtotal + self.shipping + self.service_fee + self.tax - self.discount

    @property
    def tickets(self) -> int:
        return sum(count for _, count in self.lines)


def created(body: Mapping[str, Any]) -> Expected:
    """Return what a request of `orders.create` makes."""
    lines = tuple((line["ticket_class_id"], line["quantity"]) for line in body["line_items"])
    expected = Expected(
        lines=lines,
        shipping=Decimal(body.get("shipping", "0")),
        service_fee=Decimal(body.get("service_fee", "0")),
        discount=Decimal(body.get("discount", "0")) + _of_promo_code(body),
        email=body["buyer"]["email"],
    )
    paid = sum((Decimal(one["amount"]) for one in body.get("payments", ())), Decimal(0))
    return replace(expected, paid=paid)


def _of_promo_code(body: Mapping[str, Any]) -> Decimal:
    return Decimal(PROMO_AMOUNT if body.get("promo_code") in PROMO_CODES else 0)


def updated(before: Expected, patch: Mapping[str, Any]) -> Expected:
    """Return what a merge patch makes of the order: charges, and the quantities of its lines."""
    after = replace(before, changes=before.changes + 1)
    for name in ("shipping", "service_fee"):
        if name in patch:
            charge: dict[str, Any] = {name: Decimal(patch[name])}
            after = replace(after, **charge)
    if "line_items" in patch:
        lines = tuple((line["ticket_class_id"], line["quantity"]) for line in patch["line_items"])
        after = replace(after, lines=lines)
        fewer = before.tickets - after.tickets
        after = replace(after, voided=before.voided + max(0, fewer))
    return after


def cancelled(before: Expected) -> Expected:
    """Return the order without its tickets."""
    return replace(
        before,
        lines=(),
        status="cancelled",
        voided=before.voided + before.tickets,
        changes=before.changes + 1,
    )


def paid(before: Expected, amount: str) -> Expected:
    return replace(before, paid=before.paid + Decimal(amount), changes=before.changes + 1)


def checked_in(before: Expected) -> Expected:
    return replace(before, checked_in=before.checked_in + 1, changes=before.changes + 1)
