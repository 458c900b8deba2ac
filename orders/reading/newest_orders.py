"""The orders of a customer or of an event in one list, for dialects without pages."""

from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import Final
from uuid import UUID

from sqlalchemy import Connection, TextClause, text

from schemas.dialects import DELETED_IN_ACME

# The expressions are those of the indexes.
_WHERE: Final = {
    "email": "lower(buyer_email) = lower(:email)",
    "phone": "buyer_phone = :phone",
    "visitor_id": "extras #>> '{acme,visitorId}' = :visitor_id",
    "temp_visitor_id": "extras #>> '{acme,tempVisitorId}' = :temp_visitor_id",
}

_IS_THERE: Final = f"o.cancel_reason IS DISTINCT FROM '{DELETED_IN_ACME}'"
"""Orders that a client has deleted are in no list of its dialect."""

_OF_EVENT = text(f"""
    SELECT DISTINCT l.order_id FROM order_lines l JOIN orders o ON o.id = l.order_id
    WHERE l.event_id = :event_id AND l.order_id < :before AND {_IS_THERE}
    ORDER BY l.order_id DESC LIMIT :limit
""")  # noqa: S608 - constants

_LAST = UUID(int=2**128 - 1)


@dataclass(frozen=True, slots=True)
class Customer:
    """The criteria of a customer; all given ones must match."""

    email: str | None = None
    phone: str | None = None
    visitor_id: str | None = None
    temp_visitor_id: str | None = None

    def named(self) -> dict[str, str]:
        """Return the given criteria."""
        pairs = ((one.name, getattr(self, one.name)) for one in fields(self))
        return {name: value for name, value in pairs if value is not None}


def query_of(customer: Customer) -> TextClause:
    """Return the query of the ids of the customer's orders, newest first."""
    where = " AND ".join(_WHERE[name] for name in customer.named())
    return text(
        f"SELECT id FROM orders o WHERE tenant_id = :tenant_id AND id < :before AND {where} AND {_IS_THERE} "  # noqa: S608
        "ORDER BY id DESC LIMIT :limit"
    )


def orders_of_customer(
    connection: Connection, tenant_id: UUID, customer: Customer, *, limit: int, before: UUID | None = None
) -> list[UUID]:
    """Return the ids of the customer's orders made before `before`, newest first; none without criteria."""
    named = customer.named()
    if not named:
        return []
    parameters = {**named, "tenant_id": tenant_id, "limit": limit, "before": before or _LAST}
    return _newest_first(connection.scalars(query_of(customer), parameters))


def orders_of_event(
    connection: Connection, event_id: UUID, *, limit: int, before: UUID | None = None
) -> list[UUID]:
    """Return the ids of the orders with a line of the event made before `before`, newest first."""
    parameters = {"event_id": event_id, "limit": limit, "before": before or _LAST}
    return _newest_first(connection.scalars(_OF_EVENT, parameters))


def _newest_first(ids: Iterable[UUID]) -> list[UUID]:
    return sorted(ids, reverse=True)
