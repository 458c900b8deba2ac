"""What an item of a call costs, in whichever of its fields the call says it."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from schemas.money import ZERO
from schemas.outcomes import Rejection
from vendors.acme.request_models import ItemCall
from vendors.dialect import NotTranslatable

MADE_OF_A_QUOTIENT: Final = Decimal("0.00001")
"""Prices that are a quotient are rounded to nine decimals: times 1,000 tickets they are right to this."""

_HALF_A_CENT: Final = Decimal("0.005")

PRICE_FIELDS: Final = ("unitPrice", "amount", "discountedUnitPrice", "discountedAmount")
"""The fields that say a price: the first of them that a call has is the price, later ones are discounts."""

DISCOUNT_FIELDS: Final = ("discountedUnitPrice", "discountedAmount")


@dataclass(frozen=True, slots=True)
class ItemPrice:
    """What one ticket costs, None for what it did or the catalogue says; and what is off all of them."""

    unit: Decimal | None
    off: Decimal
    is_discount_said: bool


def price_of(call: ItemCall, quantity: int, place: int) -> ItemPrice:
    """Return what the item costs. Raises `NotTranslatable` for fields that contradict each other."""
    if not quantity:
        return ItemPrice(None, ZERO, is_discount_said=False)
    unit = call.unitPrice
    if unit is None and call.amount is not None:
        unit = _quotient(call.amount, quantity)
    elif unit is not None and call.amount is not None and unit * quantity != call.amount:
        raise _wrong(place, "amount", "it is quantity times unitPrice")
    discounted = _discounted(call, quantity, place)
    if unit is None:
        return ItemPrice(
            None if discounted is None else call.discountedUnitPrice or _quotient(discounted, quantity),
            ZERO,
            is_discount_said=discounted is not None,
        )
    if discounted is None:
        return ItemPrice(unit, ZERO, is_discount_said=False)
    off = (unit * quantity - discounted).quantize(MADE_OF_A_QUOTIENT)
    if off < 0:
        raise _wrong(place, _first_of(DISCOUNT_FIELDS, call), "a discounted price is not above the price")
    return ItemPrice(unit, off, is_discount_said=True)


def _discounted(call: ItemCall, quantity: int, place: int) -> Decimal | None:
    """Return what all tickets of the item cost after what is taken off, or None where nothing says it."""
    unit, amount = call.discountedUnitPrice, call.discountedAmount
    if unit is None:
        return amount
    if amount is None:
        return unit * quantity
    # The price of one may be rounded to the cent; what all cost is exact.
    if abs(unit * quantity - amount) > _HALF_A_CENT * quantity:
        raise _wrong(place, "discountedAmount", "it is quantity times discountedUnitPrice")
    return amount


def _quotient(amount: Decimal, quantity: int) -> Decimal:
    """Return the price of one; one with more decimals than its currency is refused for that."""
    return round(amount / quantity, 9).normalize() + ZERO


def price_field(item: Mapping[str, Any]) -> str:
    """Return the name of the field by which an item says its price."""
    return next((name for name in PRICE_FIELDS if item.get(name) is not None), PRICE_FIELDS[0])


def discount_field(item: Mapping[str, Any]) -> str | None:
    """Return the name of the field by which an item says what is taken off, or None."""
    return next((name for name in DISCOUNT_FIELDS if item.get(name) is not None), None)


def _first_of(names: tuple[str, ...], call: ItemCall) -> str:
    return next(name for name in names if getattr(call, name) is not None)


def _wrong(place: int, field: str, message: str) -> NotTranslatable:
    return NotTranslatable([Rejection("invalid", f"orderItems.{place}.{field}", message)])
