"""The price of an item, in whichever of its fields the call states it."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from schemas.money import ZERO
from schemas.outcomes import Rejection
from vendors.acme.request_models import ItemCall
from vendors.dialect import NotTranslatable

MADE_OF_A_QUOTIENT: Final = Decimal("0.00001")
"""Prices computed by division have nine decimals: for 1,000 tickets the amount is exact to this."""

_HALF_A_CENT: Final = Decimal("0.005")

PRICE_FIELDS: Final = ("unitPrice", "amount", "discountedUnitPrice", "discountedAmount")
"""The fields that state a price: the first one of a call is the price, later ones are discounted prices."""

DISCOUNT_FIELDS: Final = ("discountedUnitPrice", "discountedAmount")


@dataclass(frozen=True, slots=True)
class ItemPrice:
    """The price of one ticket (None: the current or the catalogue's), and the discount of the whole item."""

    unit: Decimal | None
    off: Decimal
    is_discount_stated: bool


def price_of(call: ItemCall, quantity: int, place: int) -> ItemPrice:
    """Return the item's price. Raises `NotTranslatable` for fields that contradict each other."""
    if not quantity:
        return ItemPrice(None, ZERO, is_discount_stated=False)
    unit = call.unitPrice
    if unit is None and call.amount is not None:
        unit = _quotient(call.amount, quantity)
    elif unit is not None and call.amount is not None and unit * quantity != call.amount:
        raise _wrong(place, "amount", "must be quantity times unitPrice")
    discounted = _discounted(call, quantity, place)
    if unit is None:
        return ItemPrice(
            None if discounted is None else call.discountedUnitPrice or _quotient(discounted, quantity),
            ZERO,
            is_discount_stated=discounted is not None,
        )
    if discounted is None:
        return ItemPrice(unit, ZERO, is_discount_stated=False)
    off = (unit * quantity - discounted).quantize(MADE_OF_A_QUOTIENT)
    if off < 0:
        raise _wrong(
            place, _first_of(DISCOUNT_FIELDS, call), "a discounted price must not be above the price"
        )
    return ItemPrice(unit, off, is_discount_stated=True)


def _discounted(call: ItemCall, quantity: int, place: int) -> Decimal | None:
    """Return the discounted amount of the whole item, or None if the call does not state it."""
    unit, amount = call.discountedUnitPrice, call.discountedAmount
    if unit is None:
        return amount
    if amount is None:
        return unit * quantity
    # The discounted price of one ticket may be rounded to the cent; the amount is exact.
    if abs(unit * quantity - amount) > _HALF_A_CENT * quantity:
        raise _wrong(place, "discountedAmount", "must be quantity times discountedUnitPrice")
    return amount


def _quotient(amount: Decimal, quantity: int) -> Decimal:
    """Return the price of one ticket; the worker refuses more decimals than the currency's."""
    return round(amount / quantity, 9).normalize() + ZERO


def price_field(item: Mapping[str, Any]) -> str:
    """Return the name of the field that states an item's price."""
    return next((name for name in PRICE_FIELDS if item.get(name) is not None), PRICE_FIELDS[0])


def discount_field(item: Mapping[str, Any]) -> str | None:
    """Return the name of the field that states an item's discount, or None."""
    return next((name for name in DISCOUNT_FIELDS if item.get(name) is not None), None)


def _first_of(names: tuple[str, ...], call: ItemCall) -> str:
    return next(name for name in names if getattr(call, name) is not None)


def _wrong(place: int, field: str, message: str) -> NotTranslatable:
    return NotTranslatable([Rejection("invalid", f"orderItems.{place}.{field}", message)])
