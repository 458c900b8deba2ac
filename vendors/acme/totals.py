"""What an order object says that the order costs: compared with what it does cost when it is priced."""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any, Final

from schemas.money import ZERO
from schemas.outcomes import Rejection
from vendors.acme.request_models import OrderCall
from vendors.dialect import NotTranslatable

TOTAL_FIELDS: Final = ("discountedTotalAmount", "totalAmount", "balanceAmount")
"""The fields that say what an order costs; the first of them that a call has says it to the worker."""


def expected_total(call: OrderCall, off: Decimal, paid: Decimal | None) -> str | None:
    """Return what the order is to cost, or None where the call does not say it.

    `off` is what its items take off, and `paid` what is paid with it, None where that is not known. Raises
    `NotTranslatable` for fields that contradict each other.
    """
    said = list(_said(call, off, paid))
    if not said:
        return None
    first, total = said[0]
    for field, other in said[1:]:
        if other != total:
            raise _wrong(field, f"it does not go with {first}")
    if total < 0:
        raise _wrong(first, "an order never costs less than nothing")
    return f"{total.normalize() + ZERO:f}"


def _said(call: OrderCall, off: Decimal, paid: Decimal | None) -> Iterator[tuple[str, Decimal]]:
    if call.discountedTotalAmount is not None:
        yield "discountedTotalAmount", call.discountedTotalAmount
    if call.totalAmount is not None:
        yield "totalAmount", call.totalAmount - off
    if call.balanceAmount is not None and paid is not None:
        yield "balanceAmount", call.balanceAmount + paid


def total_field(words: Mapping[str, Any]) -> str | None:
    """Return the name of the field by which an order object says what the order costs."""
    return next((name for name in TOTAL_FIELDS if words.get(name) is not None), None)


def _wrong(field: str, message: str) -> NotTranslatable:
    return NotTranslatable([Rejection("invalid", field, message)])
