"""The total that an order object states: the worker compares it with the priced total."""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any, Final

from schemas.money import ZERO
from schemas.outcomes import Rejection
from vendors.acme.request_models import OrderCall
from vendors.dialect import NotTranslatable

TOTAL_FIELDS: Final = ("discountedTotalAmount", "totalAmount", "balanceAmount")
"""The fields that state the total; the first one of a call is sent to the worker."""


def expected_total(call: OrderCall, off: Decimal, paid: Decimal | None) -> str | None:
    """Return the total that the call states, or None.

    `off` is the discount of its items, and `paid` the amount paid with the order, None if not known. Raises
    `NotTranslatable` for fields that contradict each other.
    """
    stated = list(_stated(call, off, paid))
    if not stated:
        return None
    first, total = stated[0]
    for field, other in stated[1:]:
        if other != total:
            raise _wrong(field, f"contradicts {first}")
    if total < 0:
        raise _wrong(first, "the total must not be negative")
    return f"{total.normalize() + ZERO:f}"


def _stated(call: OrderCall, off: Decimal, paid: Decimal | None) -> Iterator[tuple[str, Decimal]]:
    if call.discountedTotalAmount is not None:
        yield "discountedTotalAmount", call.discountedTotalAmount
    if call.totalAmount is not None:
        yield "totalAmount", call.totalAmount - off
    if call.balanceAmount is not None and paid is not None:
        yield "balanceAmount", call.balanceAmount + paid


def total_field(body: Mapping[str, Any]) -> str | None:
    """Return the name of the field that states the order's total, or None."""
    return next((name for name in TOTAL_FIELDS if body.get(name) is not None), None)


def _wrong(field: str, message: str) -> NotTranslatable:
    return NotTranslatable([Rejection("invalid", field, message)])
