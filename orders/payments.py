"""What was paid with an order, and the payment status that follows from it."""

from decimal import Decimal

from orders.pricing import PricedOrder
from schemas.money import quantum
from schemas.orders import OrderRequest, PaymentStatus


def payment_amounts(order: OrderRequest, priced: PricedOrder) -> list[Decimal]:
    """Return the amount of each payment; one without an amount pays what is still owed."""
    unit = quantum(priced.currency)
    owed = priced.total
    amounts = []
    for payment in order.payments:
        amount = max(owed, Decimal(0)) if payment.amount is None else payment.amount
        amounts.append(amount.quantize(unit))
        owed -= amount
    return amounts


def payment_status(total: Decimal, paid: Decimal) -> PaymentStatus:
    """Return how far an order is paid; one that costs nothing is paid from the start."""
    if paid >= total:
        return "paid"
    return "partially_paid" if paid > 0 else "unpaid"
