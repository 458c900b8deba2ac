"""Rules of requests: the inbox against orders and event messages, and requests that wait too long."""

from typing import Final

from orders.upkeep.reconciliation.rules import Look, Rule

# The purchase order of a sale has the sale's key, and no request of its own.
_ORDERS: Final = """
    SELECT o.id AS subject, o.tenant_id, o.idempotency_key FROM orders o
    WHERE o.id > :after AND o.id <= :upto
        AND NOT EXISTS (
            SELECT FROM requests r WHERE r.tenant_id = o.tenant_id AND r.idempotency_key = o.idempotency_key
                AND r.order_id = o.id)
        AND NOT EXISTS (
            SELECT FROM order_trades p JOIN orders sale ON sale.id = p.counterpart_id
            WHERE p.order_id = o.id AND p.is_purchase
                AND o.idempotency_key = sale.idempotency_key || '/purchase')
"""

ORDERS: Final = Look(
    _ORDERS,
    (
        Rule(
            "order_without_request",
            "TRUE",
            "'no request of the inbox made it; its idempotency key is ' || idempotency_key",
        ),
    ),
)

_REQUESTS: Final = """
    SELECT r.id AS subject, r.tenant_id, r.status, r.order_id
    FROM requests r
    WHERE r.id > :after AND r.id <= :upto AND CASE r.status
        WHEN 'rejected' THEN NOT EXISTS (
            SELECT FROM event_messages m
            WHERE m.subject = r.id AND m.sequence = 1 AND m.type = 'order.rejected')
        ELSE r.order_id IS NOT NULL AND NOT EXISTS (SELECT FROM orders o WHERE o.id = r.order_id) END
"""

REQUESTS: Final = Look(
    _REQUESTS,
    (
        Rule(
            "request_without_order",
            "status = 'processed'",
            "'its order ' || order_id || ' does not exist'",
        ),
        Rule(
            "rejection_without_event_message",
            "status = 'rejected'",
            "'it was rejected, but no event message reports it'",
        ),
    ),
)

_DELAYED: Final = """
    SELECT d.request_id AS subject, t.id AS tenant_id, d.next_attempt_at, d.attempts
    FROM delayed_requests d
    JOIN tenants t ON t.name = convert_from(d.request, 'UTF8')::json ->> 'tenant'
    WHERE d.next_attempt_at < :stuck_before ORDER BY d.next_attempt_at LIMIT 10000
"""

DELAYED: Final = Look(
    _DELAYED,
    (
        Rule(
            "request_stuck",
            "TRUE",
            "'due since ' || next_attempt_at || ' after ' || attempts || ' attempts'",
        ),
    ),
)
