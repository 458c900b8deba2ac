"""The history of an order: its changes, with their authors, times, old and new values."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Select, case, func, select
from sqlalchemy.dialects.postgresql import distinct_on

from db.tables import order_changes, order_trades, orders, requests
from schemas.background import Authors
from schemas.json import JsonObject
from willcall.kinds import CREATE


def _creations(order_ids: Sequence[UUID]) -> Select[Any]:
    """Return the query of the orders' creations: times, requests and senders."""
    # The sale's request created the purchase order of the sale.
    requested, is_of_sale = orders.alias(), order_trades.c.is_purchase
    return (
        select(orders.c.id.label("order_id"), orders.c.created_at, requests.c.id, requests.c.sent_by)
        .outerjoin(order_trades, order_trades.c.order_id == orders.c.id)
        .join(
            requested,
            requested.c.id == func.coalesce(case((is_of_sale, order_trades.c.counterpart_id)), orders.c.id),
        )
        .join(
            requests,
            (requests.c.tenant_id == requested.c.tenant_id)
            & (requests.c.idempotency_key == requested.c.idempotency_key),
        )
        .where(orders.c.id.in_(order_ids))
    )


def read_authors(connection: Connection, order_ids: Sequence[UUID]) -> dict[UUID, Authors]:
    """Return the creators and the last modifiers of the orders: one statement, however many orders."""
    changes = order_changes.c
    last = (
        select(changes.order_id, changes.changed_by)
        .ext(distinct_on(changes.order_id))
        .where(changes.order_id.in_(order_ids))
        .order_by(changes.order_id, changes.change_number.desc())
        .subquery()
    )
    created = _creations(order_ids).subquery()
    query = select(
        created.c.order_id,
        created.c.sent_by,
        case((last.c.order_id.is_(None), created.c.sent_by), else_=last.c.changed_by).label("changed_by"),
    ).outerjoin(last, last.c.order_id == created.c.order_id)
    return {row.order_id: Authors(row.sent_by, row.changed_by) for row in connection.execute(query)}


def read_history(connection: Connection, order_id: Any) -> list[JsonObject]:
    """Return the changes of an order, oldest first; the first entry is its creation."""
    created = connection.execute(_creations([order_id])).one()
    query = (
        select(order_changes)
        .where(order_changes.c.order_id == order_id)
        .order_by(order_changes.c.change_number)
    )
    first = {
        "version": 1,
        "kind": CREATE,
        "request_id": created.id,
        "by": created.sent_by,
        "at": created.created_at,
        "changes": [],
    }
    return [
        first,
        *(
            {
                "version": row.change_number,
                "kind": row.kind,
                "request_id": row.request_id,
                "by": row.changed_by,
                "at": row.changed_at,
                "changes": row.fields,
            }
            for row in connection.execute(query)
        ),
    ]
