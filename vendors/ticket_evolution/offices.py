"""Whose office a call names."""

from collections.abc import Mapping
from typing import Any

from vendors.ticket_evolution.values import as_text


def own_office(words: Mapping[str, Any]) -> tuple[str, str | None]:
    """Return the field that names the caller's own office, and the name; None where it names none.

    It sells, unless the order is a purchase: then it buys (Orders / Create, the table of order types).
    """
    is_purchase = words.get("is_purchase")
    if is_purchase is None:
        is_purchase = words.get("substitute_order_link_id") is not None and words.get("client_id") is None
    field = "buyer_id" if is_purchase is True else "seller_id"
    name = as_text(words.get(field))
    return field, name if isinstance(name, str) else None
