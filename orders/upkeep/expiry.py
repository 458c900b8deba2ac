"""What time does by itself: holds that are over, and orders that nobody paid."""

from datetime import datetime
from typing import Final
from uuid import UUID, uuid5

from sqlalchemy import Connection, text

from orders.inventory.stock import Needs, lock_stock
from schemas.requests import CANCEL, Request

_LATE_HOLDS = text("""
    SELECT DISTINCT ticket_class_id::text FROM holds WHERE status = 'held' AND expires_at <= :now
""")

_UNPAID = text("""
    SELECT o.id, o.payment_due_at, t.name AS tenant, due.key
    FROM orders o JOIN tenants t ON t.id = o.tenant_id
    CROSS JOIN LATERAL (
        SELECT 'payment due ' || o.id || ' ' || extract(epoch FROM o.payment_due_at) AS key
    ) due
    WHERE t.cancels_unpaid AND o.payment_due_at <= :now
        AND o.payment_due_at IS NOT NULL AND o.status = 'placed' AND o.payment_status <> 'paid'
        AND NOT EXISTS (
            SELECT FROM requests r WHERE r.tenant_id = o.tenant_id AND r.idempotency_key = due.key)
    ORDER BY o.payment_due_at LIMIT :limit
""")

_PAYMENT_DUE: Final = UUID("0b7d3f0e-52a6-4a53-9d5f-2f0c5b3f1a77")

SENDER: Final = "schedule"
"""Who changes orders by the clock, in their history."""


def end_late_holds(connection: Connection, *, now: datetime) -> int:
    """Give back what holds held whose time is over; return how many there were.

    Buyers do not wait for it: whoever locks a class gives back its late holds first.
    """
    classes = set(connection.scalars(_LATE_HOLDS, {"now": now}))
    return len(lock_stock(connection, Needs(ticket_classes=classes), now).expired)


def unpaid_orders(connection: Connection, *, now: datetime, limit: int = 500) -> list[Request]:
    """Return requests that cancel the orders whose payment is overdue, where the tenant wants that."""
    return [
        Request(
            kind=CANCEL,
            request_id=uuid5(_PAYMENT_DUE, row.key),
            tenant=row.tenant,
            may_set_price=False,
            body={
                "idempotency_key": row.key,
                "order_id": str(row.id),
                "reason": f"not paid until {row.payment_due_at.isoformat()}",
            },
            by=SENDER,
        )
        for row in connection.execute(_UNPAID, {"now": now, "limit": limit})
    ]
