"""The offices that a call names, and the type of its order (Orders / Create, Order Types)."""

from collections.abc import Callable, Mapping
from typing import Any

from schemas.json import JsonObject
from vendors.ticket_evolution.values import as_text


def own_office(body: Mapping[str, Any]) -> tuple[str, str | None]:
    """Return the field of the caller's own office and the office's id, None if the field is omitted.

    The office sells, or buys if the order is a purchase (Orders / Create, the table of order types).
    """
    is_purchase = body.get("is_purchase")
    if is_purchase is None:
        is_purchase = buys_by_its_parties(body)
    field = "buyer_id" if is_purchase is True else "seller_id"
    return field, _name(body, field)


def buys_by_its_parties(body: Mapping[str, Any]) -> bool:
    """Return whether an order without `is_purchase` is a purchase: it names a buying office and no client.

    An order that only names the order that it replaces is a purchase, too.
    """
    others = (body.get("buyer_id"), body.get("substitute_order_link_id"))
    return body.get("client_id") is None and any(other is not None for other in others)


def with_type(body: JsonObject, is_own: Callable[[str], bool]) -> JsonObject:
    """Return the body of an order between two offices with `is_purchase`, if it was omitted.

    The newer document has sales only to clients, the older one also to offices: these differ from purchases
    by the selling office.
    """
    seller = _name(body, "seller_id")
    is_open = body.get("is_purchase") is None and body.get("substitute_order_link_id") is None
    if is_open and buys_by_its_parties(body) and seller is not None:
        return {**body, "is_purchase": not is_own(seller)}
    return body


def _name(body: Mapping[str, Any], field: str) -> str | None:
    name = as_text(body.get(field))
    return name if isinstance(name, str) else None
