"""Payment gateways, which accept or refuse types of payment.

A gateway that calls an external service must not do so here, where a batch holds its locks: the payment is
recorded as pending, and the gateway's answer arrives as another `payments.record`.
"""

from typing import Final, Protocol

from orders.errors import Invalid
from schemas.order_fields import PaymentType


class Gateway(Protocol):
    """Decides, without external calls, whether payments of its types can be recorded."""

    @property
    def types(self) -> frozenset[PaymentType]:
        """Return the types of payment that it accepts."""


class Offline:
    """The built-in gateway: payments that were made elsewhere and are only recorded."""

    types: frozenset[PaymentType] = frozenset(
        {"cash", "check", "evopay", "money_order", "offline", "paypal", "tbd", "transaction_api"}
    )


GATEWAYS: Final[list[Gateway]] = [Offline()]
"""The gateways of this process; a gateway that charges credit cards is added here."""


def check_payment(type_: PaymentType, field: str) -> None:
    """Raise `Invalid` if no gateway accepts payments of this type."""
    if not any(type_ in gateway.types for gateway in GATEWAYS):
        raise Invalid(f"payments of type {type_} need a payment gateway, and none is configured", field)
