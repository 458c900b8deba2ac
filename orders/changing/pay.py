"""`payments.record`: money that came, that is under way, or that went back."""

from decimal import Decimal

from orders.changing.change import Change
from orders.changing.status import moved
from orders.errors import Invalid, TooManyDecimals
from orders.money.gateways import check_payment
from orders.order_state import Row
from orders.render import render_payment
from schemas.changes import PaymentRecord
from schemas.money import has_too_many_decimals, quantum


def record_payment(change: Change, asked: PaymentRecord) -> bool:
    """Record a payment or a refund; return whether anything changed. Raises `Invalid`."""
    check_payment(asked.type, "type")
    state = change.state
    if asked.payment_number is None:
        payment = _new(change, asked)
        state.payments.append(payment)
    else:
        payment = _pending(change, asked)
        if payment["status"] == asked.status:
            return False
        payment["status"] = asked.status
    change.settle()
    row = state.row
    if row["status"] == "cancelled" and row["payment_status"] == "refunded":
        row["status"] = moved(row["status"], "refunded")
    change.told.append(("payment.recorded", {"order_id": row["id"], "payment": render_payment(payment)}))
    return True


def _new(change: Change, asked: PaymentRecord) -> Row:
    payments = change.state.payments
    return {
        "order_id": change.state.row["id"],
        "payment_number": max((one["payment_number"] for one in payments), default=0) + 1,
        "type": asked.type,
        "status": asked.status,
        "amount": _amount(change, asked),
        "created_at": change.now,
        "is_refund": asked.is_refund,
        "reference": asked.reference,
    }


def _amount(change: Change, asked: PaymentRecord) -> Decimal:
    row = change.state.row
    if asked.amount is None:
        amount = -change.balance if asked.is_refund else change.balance
        if amount <= 0:
            raise Invalid("nothing is to be refunded" if asked.is_refund else "nothing is owed", "amount")
        return amount
    if has_too_many_decimals(asked.amount, row["currency"]):
        raise TooManyDecimals(f"{asked.amount:f} has more decimals than {row['currency']}", "amount")
    if not asked.amount:
        raise Invalid("an amount of nothing is no payment", "amount")
    if asked.is_refund:
        _check_returnable(row, asked.amount)
    return asked.amount.quantize(quantum(row["currency"]))


def _check_returnable(row: Row, amount: Decimal) -> None:
    returnable = row["paid"] - row["refunded"]
    if amount > returnable:
        raise Invalid(f"{returnable} was paid and not refunded yet, which is less", "amount")


def _pending(change: Change, asked: PaymentRecord) -> Row:
    for payment in change.state.payments:
        if payment["payment_number"] == asked.payment_number:
            if payment["type"] != asked.type or payment["is_refund"] != asked.is_refund:
                raise Invalid("it is a payment of another type", "payment_number")
            if asked.amount is not None and asked.amount != payment["amount"]:
                raise Invalid(f"its amount is {payment['amount']}", "amount")
            if payment["status"] == "completed" and asked.status == "pending":
                raise Invalid("it is completed already", "status")
            if payment["status"] != asked.status and payment["is_refund"]:
                # Another refund may have been completed since this one was promised.
                _check_returnable(change.state.row, payment["amount"])
            return payment
    raise Invalid(f"the order has no payment {asked.payment_number}", "payment_number")
