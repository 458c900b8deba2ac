"""Orders in wire format, by id, by number, or a page of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Select, func, select

from db import tables
from db.tables import events, order_lines, orders
from orders.reading.pages import DEFAULT_PAGE, cursor_after, id_before
from orders.reading.wire_orders import read_rendered
from schemas.json import JsonObject
from schemas.text import parse_uuid


@dataclass(frozen=True, slots=True)
class OrderFilter:
    """The orders to list; None does not restrict. `event_id` is the catalogue's."""

    tenant_id: UUID | None = None
    event_id: str | None = None
    email: str | None = None
    status: str | None = None
    updated_since: datetime | None = None


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
