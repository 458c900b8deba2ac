"""Reading orders and requests in wire format."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Select, func, select, text

from db import tables
from db.bulk import array
from db.tables import events, order_lines, orders
from orders.reading.pages import DEFAULT_PAGE, cursor_after, id_before
from orders.reading.wire_orders import read_rendered
from orders.steps.claim import CONFLICT
from schemas.json import JsonObject
from schemas.text import parse_uuid

# The size of the order determines the work of answering with it.
_REQUESTS = text("""
    SELECT found.*, (SELECT count(*) FROM tickets WHERE tickets.order_id = found.order_id) AS tickets FROM (
    SELECT id, tenant_id, status, order_id, errors, false AS is_conflict, false AS is_repeat
    FROM requests WHERE id = ANY(CAST(:ids AS uuid[]))
    UNION ALL
    SELECT r.id, o.tenant_id, o.status, o.order_id, o.errors, r.is_conflict, true
    FROM request_repeats r JOIN requests o ON o.id = r.original_id
    WHERE r.id = ANY(CAST(:ids AS uuid[]))
    UNION ALL
    SELECT d.request_id, t.id, 'dead', NULL,
        json_build_array(json_build_object('code', 'invalid', 'field', NULL, 'message', d.reason)),
        false, false
    FROM dead_letters d JOIN tenants t ON t.name = d.tenant
    WHERE d.request_id = ANY(CAST(:ids AS uuid[]))
    ) AS found
""")


_TICKETS = text("""
    SELECT order_id, count(*) AS tickets FROM tickets WHERE order_id = ANY(CAST(:ids AS uuid[]))
    GROUP BY order_id
""")


@dataclass(frozen=True, slots=True)
class RequestRow:
    """A request's outcome and tenant."""

    request_id: UUID
    tenant_id: UUID
    status: str
    order_id: UUID | None
    errors: tuple[JsonObject, ...]
    is_repeat: bool = False
    """Whether an earlier request had the same idempotency key."""
    is_conflict: bool = False
    """Whether the earlier request was a different one: this one has no effect, and its own outcome."""
    tickets: int = 0
    """The number of its order's tickets, including voided ones."""

    @property
    def is_replay(self) -> bool:
        """Return whether the outcome is that of the earlier request."""
        return self.is_repeat and not self.is_conflict

    def body(self) -> JsonObject:
        """Return the answer of `GET /v1/requests/{request_id}`."""
        return {
            "request_id": self.request_id,
            "status": self.status,
            "order_id": self.order_id,
            "errors": self.errors,
        }


@dataclass(frozen=True, slots=True)
class OrderFilter:
    """The orders to list; None does not restrict. `event_id` is the catalogue's."""

    tenant_id: UUID | None = None
    event_id: str | None = None
    email: str | None = None
    status: str | None = None
    updated_since: datetime | None = None


def find_requests(connection: Connection, ids: Iterable[UUID]) -> dict[UUID, RequestRow]:
    """Return the outcomes of processed requests, by id; the others are still pending."""
    found: dict[UUID, RequestRow] = {}
    for row in connection.execute(_REQUESTS, {"ids": array(map(str, ids))}):
        if row.is_conflict:
            outcome = conflicting(row.id, row.tenant_id)
        else:
            outcome = RequestRow(
                row.id,
                row.tenant_id,
                row.status,
                row.order_id,
                tuple(row.errors or ()),
                row.is_repeat,
                tickets=row.tickets,
            )
        # A processed request's row takes precedence over other rows with its id.
        if row.id not in found or found[row.id].status == "dead":
            found[row.id] = outcome
    return found


def count_tickets(connection: Connection, order_ids: Iterable[UUID]) -> dict[UUID, int]:
    """Return the number of tickets of orders, including voided ones; orders without any are omitted."""
    rows = connection.execute(_TICKETS, {"ids": array(map(str, order_ids))})
    return {row.order_id: row.tickets for row in rows}


def conflicting(request_id: UUID, tenant_id: UUID) -> RequestRow:
    """Return the outcome of a request whose key belongs to another one."""
    errors = (CONFLICT.as_dict(),)
    return RequestRow(request_id, tenant_id, "rejected", None, errors, is_repeat=True, is_conflict=True)


def get_order(connection: Connection, order_id: UUID, tenant_id: UUID | None = None) -> JsonObject | None:
    """Return the whole order, or None; with a tenant, only if it is that tenant's."""
    query = select(orders.c.id).where(orders.c.id == order_id)
    if tenant_id is not None:
        query = query.where(orders.c.tenant_id == tenant_id)
    found = _read_rendered(connection, query)
    return found[0] if found else None


def find_order(connection: Connection, tenant_id: UUID, name: str) -> UUID | None:
    """Return the id of the tenant's order with this id or number, or None; the name may be any text."""
    id_ = parse_uuid(name)
    is_number = name.isascii() and name.isdecimal() and len(name) <= len(str(tables.MAX_NUMBER))
    if id_ is None and not is_number:
        return None
    which = orders.c.number == int(name) if id_ is None else orders.c.id == id_
    query = select(orders.c.id).where(which, orders.c.tenant_id == tenant_id)
    return connection.scalars(query).one_or_none()


def list_orders(
    connection: Connection, wanted: OrderFilter, *, cursor: str | None = None, limit: int = DEFAULT_PAGE
) -> tuple[list[JsonObject], str | None]:
    """Return a page of orders, newest first, and the cursor of the next one. Raises `BadCursor`."""
    ids, next_cursor = list_ids(connection, wanted, cursor=cursor, limit=limit)
    return read_rendered(connection, ids), next_cursor


def list_ids(
    connection: Connection, wanted: OrderFilter, *, cursor: str | None = None, limit: int = DEFAULT_PAGE
) -> tuple[Sequence[UUID], str | None]:
    """Return the ids of a page of orders, newest first, and the cursor of the next one.

    Raises `BadCursor`.
    """
    query = select(orders.c.id).order_by(orders.c.id.desc()).limit(limit + 1)
    if cursor is not None:
        query = query.where(orders.c.id < id_before(cursor))
    if wanted.tenant_id is not None:
        query = query.where(orders.c.tenant_id == wanted.tenant_id)
    if wanted.email is not None:
        query = query.where(func.lower(orders.c.buyer_email) == func.lower(wanted.email))
    if wanted.status is not None:
        query = query.where(orders.c.status == wanted.status)
    if wanted.updated_since is not None:
        query = query.where(orders.c.updated_at >= wanted.updated_since)
    if wanted.event_id is not None:
        of_event = select(order_lines.c.order_id).join(events, events.c.id == order_lines.c.event_id)
        query = query.where(orders.c.id.in_(of_event.where(events.c.external_id == wanted.event_id)))
    found = connection.scalars(query).all()
    page = found[:limit]
    return page, cursor_after(page[-1]) if len(found) > limit else None


def _read_rendered(connection: Connection, query: Select[Any]) -> list[JsonObject]:
    return read_rendered(connection, connection.scalars(query).all())


def find_tenant(connection: Connection, name: str) -> UUID | None:
    """Return the id of the tenant of this name, or None."""
    return connection.scalars(select(tables.tenants.c.id).where(tables.tenants.c.name == name)).one_or_none()
