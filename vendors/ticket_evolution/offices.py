"""Whose office a call names, and what type of order its parties make it (Orders / Create, Order Types)."""

from collections.abc import Callable, Mapping
from typing import Any

from schemas.json import JsonObject
from vendors.ticket_evolution.values import as_text


def own_office(words: Mapping[str, Any]) -> tuple[str, str | None]:
    """Return the field that names the caller's own office, and the name; None where it names none.

    It sells, unless the order is a purchase: then it buys (Orders / Create, the table of order types).
    """
    is_purchase = words.get("is_purchase")
    if is_purchase is None:
        is_purchase = buys_by_its_parties(words)
    field = "buyer_id" if is_purchase is True else "seller_id"
    return field, _name(words, field)


def buys_by_its_parties(words: Mapping[str, Any]) -> bool:
    """Say whether an order is a purchase that does not say so: it names a buying office, and no client.

    So does one that only names the order which it replaces.
    """
    others = (words.get("buyer_id"), words.get("substitute_order_link_id"))
    return words.get("client_id") is None and any(other is not None for other in others)


def with_type(words: JsonObject, is_own: Callable[[str], bool]) -> JsonObject:
    """Return the words of an order between two offices with `is_purchase`, where they leave it out.

    The newer document knows sales to clients only, the older one also those to offices: what tells them
    from a purchase is whose office sells.
    """
    seller = _name(words, "seller_id")
    is_open = words.get("is_purchase") is None and words.get("substitute_order_link_id") is None
    if is_open and buys_by_its_parties(words) and seller is not None:
        return {**words, "is_purchase": not is_own(seller)}
    return words


def _name(words: Mapping[str, Any], field: str) -> str | None:
    name = as_text(words.get(field))
    return name if isinstance(name, str) else None
