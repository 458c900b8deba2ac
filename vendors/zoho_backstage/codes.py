"""The vendor's numeric codes and their texts.

The document's sample has 0 placed, 10 transaction_api, 4 api, 2 editor, 1 paid and refund policy 0. Its text
mentions others without naming them: they are our choice.
"""

from typing import Final

from schemas.json import JsonObject
from schemas.order_fields import OrderStatus, PaymentStatus, PaymentType
from schemas.orders import Order, Ticket

ORDER_STATUS: Final[dict[OrderStatus, int]] = {"placed": 0, "cancelled": 1, "refunded": 2}
CHECKED_IN: Final = (3, "checked_in")
PAYMENT_STATUS: Final[dict[PaymentStatus, int]] = {
    "unpaid": 0,
    "paid": 1,
    "partially_paid": 2,
    "refunded": 3,
}
PAYMENT_TYPE: Final[dict[PaymentType, tuple[int, str]]] = {
    "offline": (0, "Offline"),
    "cash": (1, "Cash"),
    "check": (2, "Check"),
    "credit_card": (3, "Credit Card"),
    "paypal": (4, "PayPal"),
    "money_order": (5, "Money Order"),
    "evopay": (6, "EvoPay"),
    "tbd": (7, "To Be Determined"),
    "transaction_api": (10, "Transaction API"),
}
COMPLIMENTARY: Final = (8, "complimentary", "Complimentary")
SOURCE: Final = (4, "api")
ORIGIN: Final = (2, "editor")
NO_CANCELLATION: Final = 0
BY_THE_EVENT: Final = 1


def payment_type(order: Order) -> JsonObject:
    """Return the type of the first payment that was made; a free order without one is a gift."""
    made = (one for one in order.payments if one.status == "completed" and not one.is_refund)
    first = next((one.type for one in made if one.amount), None)
    if first is None and _is_gift(order):
        code, name, label = COMPLIMENTARY
    else:
        name = first or "offline"
        code, label = PAYMENT_TYPE[first or "offline"]
    return {"payment_type": code, "payment_type_string": name, "payment_option_name": label}


def _is_gift(order: Order) -> bool:
    """Return whether the order is free; of a cancelled order, only its prices show it."""
    if order.status == "placed":
        return not order.totals.total
    return not any(line.unit_price for line in order.line_items)


def payment_status(order: Order) -> JsonObject:
    """Return the order's payment status."""
    return {
        "payment_status": PAYMENT_STATUS[order.payment_status],
        "payment_status_string": order.payment_status,
    }


def ticket_status(order: Order, ticket: Ticket) -> JsonObject:
    """Return the ticket's status; a voided ticket of a refunded order is refunded."""
    if ticket.status == "checked_in":
        code, name = CHECKED_IN
    elif ticket.status == "valid":
        code, name = ORDER_STATUS["placed"], "placed"
    else:
        fate: OrderStatus = "refunded" if order.status == "refunded" else "cancelled"
        code, name = ORDER_STATUS[fate], fate
    return {"status": code, "status_string": name}
