"""Expiry of holds, and of orders that were not paid in time."""

from datetime import datetime
from typing import Final
from uuid import UUID, uuid5

from sqlalchemy import Connection, text

from orders.inventory.lock import lock_late_holds, lock_stock
from orders.inventory.stock import StockNeeds
from orders.running_hold import end_late
from orders.steps.load import take_in
from orders.steps.write import write_world
from orders.world import World
from schemas.requests import EXPIRE, Request

_LATE_HOLDS: Final = text("""
    SELECT DISTINCT ticket_class_id::text FROM holds WHERE status = 'held' AND expires_at <= :now
""")

# Each version of an order is proposed once: the decision would refuse it again.
_OVERDUE: Final = text("""
    SELECT o.id, t.name AS tenant, proposal.key
    FROM orders o JOIN tenants t ON t.id = o.tenant_id
    CROSS JOIN LATERAL (SELECT 'willcall:expire:' || o.id || ':' || o.version AS key) AS proposal
    WHERE t.cancels_unpaid AND o.expires_at <= :now AND NOT EXISTS (
        SELECT FROM requests r WHERE r.tenant_id = o.tenant_id AND r.idempotency_key = proposal.key)
    ORDER BY o.expires_at LIMIT :limit
""")

# A failed request waits for its next attempt, or for an operator.
_IN_RECOVERY: Final = text("""
    SELECT request_id FROM delayed_requests WHERE request_id = ANY(:ids)
    UNION ALL SELECT request_id FROM dead_letters WHERE request_id = ANY(:ids)
""")

_PROPOSAL: Final = UUID("0b7d3f0e-52a6-4a53-9d5f-2f0c5b3f1a77")

SENDER: Final = "schedule"
"""The author of these changes in the history of orders."""


def end_late_holds(connection: Connection, *, now: datetime) -> int:
    """End expired holds and free their inventory; return their number.

    Buyers do not depend on it: a batch that locks a class ends its expired holds first.
    """
    world = World()
    classes = set(connection.scalars(_LATE_HOLDS, {"now": now}))
    needs = StockNeeds()
    for class_id in classes:
        needs.add(class_id, has_seats=True)
    lock_stock(connection, world.stock, needs)
    take_in(world, lock_late_holds(connection, classes, now))
    end_late(world, now)
    write_world(connection, world)
    return len(world.holds)


def propose_expiries(connection: Connection, *, now: datetime, limit: int = 500) -> list[Request]:
    """Return a request for each order with an overdue payment, if its tenant cancels unpaid orders.

    Nothing is locked: the decision of the request checks again.
    """
    proposals = [
        Request(
            kind=EXPIRE,
            request_id=uuid5(_PROPOSAL, row.key),
            tenant=row.tenant,
            may_set_price=False,
            body={"idempotency_key": row.key, "order_id": str(row.id)},
            by=SENDER,
        )
        for row in connection.execute(_OVERDUE, {"now": now, "limit": limit})
    ]
    ids = [proposal.request_id for proposal in proposals]
    in_recovery = set(connection.scalars(_IN_RECOVERY, {"ids": ids})) if ids else set()
    return [proposal for proposal in proposals if proposal.request_id not in in_recovery]
