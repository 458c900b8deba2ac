"""One order with all that belongs to it, and the lists that an operator looks through."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row

from intake.operator.view import View
from orders.reading.history import read_history
from orders.reading.order_reading import get_order
from schemas.json import JsonObject

_MOST = 200


@dataclass(frozen=True, slots=True)
class OrderRecord:
    """An order as the API shows it, its changes, its events, and its document if one was made."""

    order: JsonObject
    tenant: str
    history: list[JsonObject]
    events: list[Row[Any]]
    documents: list[Row[Any]]


def read_order(connection: Connection, view: View, order_id: UUID) -> OrderRecord | None:
    """Return the order, or None."""
    owner = view.rows(
        connection,
        "SELECT o.tenant_id, t.name FROM orders o JOIN tenants t ON t.id = o.tenant_id"  # noqa: S608
        f" WHERE {view.restricted('o.tenant_id')} o.id = :id",
        id=order_id,
    )
    order = get_order(connection, order_id, owner[0].tenant_id) if owner else None
    if order is None:
        return None
    events = view.rows(
        connection,
        "SELECT m.type, m.sequence, m.created_at, o.created_at AS waits_since FROM event_messages m"  # noqa: S608
        " LEFT JOIN outbox o ON (o.subject, o.sequence) = (m.subject, m.sequence)"
        f" WHERE m.subject = :id ORDER BY m.sequence LIMIT {_MOST}",
        id=order_id,
    )
    documents = view.rows(
        connection, "SELECT asked_at, made_at, tries FROM documents WHERE order_id = :id", id=order_id
    )
    return OrderRecord(order, owner[0].name, read_history(connection, order_id), events, documents)


def list_discrepancies(connection: Connection, view: View) -> list[Row[Any]]:
    """Return what reconciliation found, newest first, at most 200; the system's has no tenant."""
    return view.rows(
        connection,
        "SELECT d.rule, d.subject, d.detail, d.found_at, d.last_seen_at, t.name AS tenant"  # noqa: S608
        " FROM discrepancies d"
        f" LEFT JOIN tenants t ON t.id = d.tenant_id WHERE {view.restricted('d.tenant_id')} true"
        f" ORDER BY d.found_at DESC LIMIT {_MOST}",
    )


def list_holds(connection: Connection, view: View, now: datetime) -> list[Row[Any]]:
    """Return the holds that run, newest first, at most 200."""
    return view.rows(
        connection,
        "SELECT h.id, h.quantity, h.expires_at, h.created_at, c.name AS ticket_class, e.name AS event,"  # noqa: S608
        " t.name AS tenant FROM holds h JOIN ticket_classes c ON c.id = h.ticket_class_id"
        " JOIN events e ON e.id = c.event_id JOIN tenants t ON t.id = h.tenant_id"
        f" WHERE {view.restricted('h.tenant_id')} h.status = 'held'"
        " AND (h.expires_at IS NULL OR h.expires_at > :now)"
        f" ORDER BY h.id DESC LIMIT {_MOST}",
        now=now,
    )


def list_tenants(connection: Connection, view: View) -> list[Row[Any]]:
    """Return the tenants with how many events and keys they have."""
    return view.rows(
        connection,
        "SELECT t.name, t.created_at, (SELECT count(*) FROM events e WHERE e.tenant_id = t.id) AS events,"  # noqa: S608
        " (SELECT count(*) FROM api_keys k WHERE k.tenant_id = t.id AND k.revoked_at IS NULL"
        " AND (k.expires_at IS NULL OR k.expires_at > now())) AS keys"
        f" FROM tenants t WHERE {view.restricted('t.id')} true ORDER BY t.name LIMIT {_MOST}",
    )


def list_keys(connection: Connection, view: View) -> list[Row[Any]]:
    """Return the keys, never their secrets: newest first, at most 200."""
    return view.rows(
        connection,
        "SELECT k.id, k.scopes, k.created_at, k.revoked_at, k.expires_at, k.last_used_at, t.name AS tenant"  # noqa: S608
        f" FROM api_keys k JOIN tenants t ON t.id = k.tenant_id WHERE {view.restricted('k.tenant_id')} true"
        f" ORDER BY k.id DESC LIMIT {_MOST}",
    )
