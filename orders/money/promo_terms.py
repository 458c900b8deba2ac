"""The promo code of an order as it was when the order used it: the order's own copy."""

from decimal import Decimal

from orders.catalogue.offers import PromoCodeOffer
from orders.render import Words


def promo_terms(promo_code: PromoCodeOffer | None) -> Words | None:
    """Return the JSON that the order keeps; amounts are decimal strings."""
    if promo_code is None:
        return None
    return {
        "id": promo_code.id,
        "event_id": promo_code.event_id,
        "percent": None if promo_code.percent is None else f"{promo_code.percent:f}",
        "amount": None if promo_code.amount is None else f"{promo_code.amount:f}",
    }


def promo_code_of(code: str | None, terms: Words | None) -> PromoCodeOffer | None:
    """Return the promo code that the order keeps, or None."""
    if code is None or terms is None:
        return None
    percent, amount = terms["percent"], terms["amount"]
    return PromoCodeOffer(
        terms["id"],
        terms["event_id"],
        code,
        None if percent is None else Decimal(percent),
        None if amount is None else Decimal(amount),
    )
