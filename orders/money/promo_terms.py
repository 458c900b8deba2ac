"""The order's copy of its promo code as it was when used, with an entry for each event."""

from collections.abc import Iterable, Sequence
from decimal import Decimal

from orders.catalogue.prices import PromoCodeOffer
from schemas.json import JsonObject


def promo_terms(promo_codes: Iterable[PromoCodeOffer]) -> list[JsonObject] | None:
    """Return the JSON stored with the order; amounts are decimal strings."""
    return [
        {
            "id": promo_code.id,
            "event_id": promo_code.event_id,
            "percent": None if promo_code.percent is None else f"{promo_code.percent:f}",
            "amount": None if promo_code.amount is None else f"{promo_code.amount:f}",
        }
        for promo_code in promo_codes
    ] or None


def promo_codes_of(code: str | None, terms: Sequence[JsonObject] | None) -> tuple[PromoCodeOffer, ...]:
    """Return the order's stored promo code, once for each event."""
    if code is None or not terms:
        return ()
    return tuple(
        PromoCodeOffer(
            one["id"],
            one["event_id"],
            code,
            None if one["percent"] is None else Decimal(one["percent"]),
            None if one["amount"] is None else Decimal(one["amount"]),
        )
        for one in terms
    )


def uses_of(terms: Sequence[JsonObject] | None) -> list[str]:
    """Return the ids of the catalogue's promo codes whose uses include the order."""
    return [one["id"] for one in terms or () if not one.get("is_returned")]


def returned(terms: Sequence[JsonObject] | None) -> list[JsonObject] | None:
    """Return the JSON of an order that has returned its uses."""
    return None if terms is None else [one | {"is_returned": True} for one in terms]
