"""The payments that a new order has of those in its request, with the extras of each."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from orders.rows import PaymentRow
from schemas.dialects import Extras
from schemas.order_requests import OrderRequest

_LIST: Final = "payments"
"""In a dialect's extras: the fields of each payment, in the order of the request's payments."""


def payment_rows(
    order_id: str, order: OrderRequest, amounts: Sequence[Decimal], now: datetime
) -> list[PaymentRow]:
    """Return the rows of the payments that are made, numbered from 1."""
    rows: list[PaymentRow] = []
    for index in _made(order, amounts):
        payment = order.payments[index]
        rows.append(
            PaymentRow(
                order_id,
                len(rows) + 1,
                payment.type,
                payment.status,
                amounts[index],
                now,
                is_refund=payment.is_refund,
                reference=None,
            )
        )
    return rows


def extras_of_made(order: OrderRequest, amounts: Sequence[Decimal]) -> Extras | None:
    """Return the order's extras, without those of payments that are not made.

    A dialect's list of payments is then in the order of the payments' numbers. A list of another length
    is not about the request's payments, and stays.
    """
    made = _made(order, amounts)
    if order.extras is None or len(made) == len(order.payments):
        return order.extras
    return {
        dialect: {**extras, _LIST: [extras[_LIST][index] for index in made]}
        if _is_by_payment(extras.get(_LIST), order)
        else extras
        for dialect, extras in order.extras.items()
    }


def _made(order: OrderRequest, amounts: Sequence[Decimal]) -> list[int]:
    """Return the indexes of the payments that are made: one of the balance is omitted if nothing is owed."""
    return [
        index
        for index, (payment, amount) in enumerate(zip(order.payments, amounts, strict=True))
        if amount or payment.amount is not None
    ]


def _is_by_payment(listed: Any, order: OrderRequest) -> bool:
    return isinstance(listed, list) and len(listed) == len(order.payments)
