"""`payments.record`: record payments and refunds, completed or pending."""

from datetime import datetime
from decimal import Decimal

from orders.batch_requests import RecordPayment
from orders.changing.open_order import open_order
from orders.changing.status import close_refunded
from orders.errors import Invalid, TooManyDecimals
from orders.money.gateways import check_payment
from orders.money.pricing import check_bound
from orders.order_change import Change
from orders.render import render_payment
from orders.rows import OrderRow, PaymentRow
from orders.state import OrderState
from orders.world import World
from schemas.changes import PaymentRecord
from schemas.money import has_too_many_decimals, quantum


def pay(world: World, request: RecordPayment, now: datetime) -> None:
    """Record a payment or a refund. Raises `Invalid` or `TooManyDecimals`."""
    order = open_order(world, request)
    body = request.body
    check_payment(body.type, "type")
    if body.payment_number is None:
        payment = _new(order, body, now)
    else:
        found = _pending(order, body, body.payment_number)
        if found.status == body.status:
            return
        payment = found._replace(status=body.status)
    change = Change(world, request, order, now)
    order.payments.put(payment.payment_number, payment)
    change.settle()
    check_bound(order.row.paid, order.row.currency, "amount")
    close_refunded(order)
    change.add_message("payment.recorded", {"order_id": order.id, "payment": render_payment(payment)})
    change.finish()


def _new(order: OrderState, body: PaymentRecord, now: datetime) -> PaymentRow:
    return PaymentRow(
        order_id=order.id,
        payment_number=max(order.payments, default=0) + 1,
        type=body.type,
        status=body.status,
        amount=_amount(order.row, body),
        created_at=now,
        is_refund=body.is_refund,
        reference=body.reference,
    )


def _amount(row: OrderRow, body: PaymentRecord) -> Decimal:
    if body.amount is None:
        amount = -row.balance if body.is_refund else row.balance
        if amount <= 0:
            raise Invalid("there is nothing to refund" if body.is_refund else "nothing is owed", "amount")
        return amount
    if has_too_many_decimals(body.amount, row.currency):
        raise TooManyDecimals(f"{body.amount:f} has more decimals than {row.currency}", "amount")
    if not body.amount:
        raise Invalid("the amount must not be zero", "amount")
    if body.is_refund:
        _check_returnable(row, body.amount)
    return body.amount.quantize(quantum(row.currency))


def _check_returnable(row: OrderRow, amount: Decimal) -> None:
    returnable = row.paid - row.refunded
    if amount > returnable:
        raise Invalid(f"only {returnable} can be refunded: it was paid and not refunded yet", "amount")


def _pending(order: OrderState, body: PaymentRecord, number: int) -> PaymentRow:
    payment = order.payments.get(number)
    if payment is None:
        raise Invalid(f"the order has no payment {number}", "payment_number")
    if payment.type != body.type or payment.is_refund != body.is_refund:
        raise Invalid("must be the type of the pending payment", "payment_number")
    if body.amount is not None and body.amount != payment.amount:
        raise Invalid(f"must be {payment.amount}, the amount of the pending payment", "amount")
    if payment.status == "completed" and body.status == "pending":
        raise Invalid("the payment is already completed", "status")
    if payment.status != body.status and payment.is_refund:
        # Another refund may have been completed since this one was recorded as pending.
        _check_returnable(order.row, payment.amount)
    return payment
