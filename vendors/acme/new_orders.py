"""Checks of new orders: they cannot state used tickets or refunds."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any, Final

from schemas.outcomes import MAX_REJECTIONS, Rejection
from vendors.acme.request_models import OrderCall
from vendors.dialect import NotTranslatable

_AT_THE_GATE: Final = "a new order has no checked-in tickets: check them in with POST /v1/check-ins"
_LATER: Final = "a new order has no refunds: record them with POST /v1/orders/{id}/payments"


def check_new(call: OrderCall) -> None:
    """Raise `NotTranslatable`, with the fields that only an existing order can state."""
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
    """Return whether an amount or a count is omitted or zero, as a number or as text."""
    if isinstance(value, str):
        return not value.strip("0.") and value.count(".") <= 1
    return value is None or (isinstance(value, int | float | Decimal) and value == 0)
