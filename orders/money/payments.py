"""Payments of an order, and its payment status. Payments never affect the price of an order."""

from collections.abc import Iterable
from decimal import Decimal

from orders.errors import Invalid
from orders.money.pricing import PricedOrder, check_bound
from orders.rows import PaymentRow
from schemas.money import ZERO, quantum
from schemas.order_fields import PaymentStatus
from schemas.order_requests import OrderRequest


def payment_amounts(order: OrderRequest, priced: PricedOrder) -> list[Decimal]:
    """Return the amount of each payment; the default is the remaining balance, or the refund due."""
    unit = quantum(priced.currency)
    owed = priced.total
    amounts = []
    for payment in order.payments:
        due = -owed if payment.is_refund else owed
        amount = max(due, Decimal(0)) if payment.amount is None else payment.amount
        amounts.append(amount.quantize(unit))
        owed += amount if payment.is_refund else -amount
    return amounts


def check_payments(order: OrderRequest, priced: PricedOrder) -> None:
    """Check the payments of a new order.

    Raises `Invalid` if their sum exceeds the maximum amount, or if a refund is zero or more than was paid so
    far.
    """
    if not order.payments:
        return
    amounts = payment_amounts(order, priced)
    check_bound(sum(amounts, ZERO), priced.currency, "payments")
    returnable = ZERO
    for index, (payment, amount) in enumerate(zip(order.payments, amounts, strict=True)):
        if not payment.is_refund:
            returnable += amount if payment.status == "completed" else ZERO
            continue
        field = f"payments.{index}.amount"
        if not amount:
            raise Invalid("there is nothing to refund", field)
        if amount > returnable:
            raise Invalid(f"only {returnable:f} can be refunded: it was paid and not refunded yet", field)
        returnable -= amount if payment.status == "completed" else ZERO


def sums(payments: Iterable[PaymentRow], currency: str) -> tuple[Decimal, Decimal]:
    """Return the sums of completed payments and of completed refunds."""
    paid = refunded = ZERO
    for payment in payments:
        if payment.status != "completed":
            continue
        if payment.is_refund:
            refunded += payment.amount
        else:
            paid += payment.amount
    unit = quantum(currency)
    return paid.quantize(unit), refunded.quantize(unit)


def payment_status(total: Decimal, paid: Decimal, refunded: Decimal = ZERO) -> PaymentStatus:
    """Return an order's payment status; a free order is paid from the start."""
    if refunded > 0 and refunded >= paid:
        return "refunded"
    if paid - refunded >= total:
        return "paid"
    return "partially_paid" if paid > refunded else "unpaid"
