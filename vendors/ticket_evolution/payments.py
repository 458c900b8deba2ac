"""Rendering the payments and refunds of an order."""

from typing import Any, Final

from schemas.json import JsonObject
from schemas.orders import Order, Payment
from vendors.ticket_evolution.amounts import amount_text
from vendors.ticket_evolution.extras import stored
from vendors.ticket_evolution.items import PARTS, id_of
from vendors.values import moment

_IDS: Final = ("credit_card_id", "check_number", "billing_address_id", "address_id")


def payments_of(order: Order, extras: Any) -> list[JsonObject]:
    """Return all payments; those of the call with the fields that it sent."""
    return [
        _payment(order, payment, stored(extras, "payments", payment.payment_number - 1))
        for payment in order.payments
    ]


def _payment(order: Order, payment: Payment, requested: JsonObject) -> JsonObject:
    token, address = requested.get("token"), requested.get("address_attributes")
    return {
        "id": order.number * PARTS + payment.payment_number,
        "type": payment.type,
        "amount": amount_text(payment.amount),
        "state": payment.status,
        "refund": payment.is_refund,
        "reference": payment.reference,
        "created_at": moment(payment.created_at),
        **{name: id_of(requested.get(name)) for name in _IDS},
        "token": token if isinstance(token, str) else None,
        "address_attributes": address if isinstance(address, dict) else None,
    }
