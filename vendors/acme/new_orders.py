"""What a new order cannot say: that its tickets were used already, or that money went back for it."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any, Final

from schemas.outcomes import MAX_REJECTIONS, Rejection
from vendors.acme.request_models import OrderCall
from vendors.dialect import NotTranslatable

_AT_THE_GATE: Final = "tickets are let in at the gate (POST /v1/check-ins), once there are any"
_LATER: Final = "refunds are recorded (POST /v1/orders/{id}/payments), once something was paid"


def check_new(call: OrderCall) -> None:
    """Raise `NotTranslatable` for what an order can only be later, by the fields that say it."""
    found = [Rejection("invalid", field, message) for field, message in _mistakes(call)]
    if found:
        raise NotTranslatable(found[:MAX_REJECTIONS])


def _mistakes(call: OrderCall) -> Iterator[tuple[str, str]]:
    if call.checkInStatus not in (None, "NotCheckedIn"):
        yield "checkInStatus", _AT_THE_GATE
    if not _is_nothing(call.refundAmount):
        yield "refundAmount", _LATER
    for place, item in enumerate(call.orderItems):
        if not _is_nothing(item.checkedInQuantity):
            yield f"orderItems.{place}.checkedInQuantity", _AT_THE_GATE
        if item.checkInDate is not None:
            yield f"orderItems.{place}.checkInDate", _AT_THE_GATE
        for index, ticket in enumerate(item.ticketVos or ()):
            if ticket.checkInDate is not None:
                yield f"orderItems.{place}.ticketVos.{index}.checkInDate", _AT_THE_GATE


def _is_nothing(value: Any) -> bool:
    """Say whether an amount or a count is none, as a number or as text."""
    if isinstance(value, str):
        return not value.strip("0.") and value.count(".") <= 1
    return value is None or (isinstance(value, int | float | Decimal) and value == 0)
