"""Reconciliation: what the rows say of each other. It reports and never repairs.

Each rule is one read-only statement that returns what contradicts itself. A discrepancy is told once,
when it is first found, and forgotten when it is gone.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import orjson
from sqlalchemy import Connection, text

from db.ids import new_ids
from orders.outbox import add_events
from orders.rows import EventRow

_READ_WHOLE_TABLES: Final = text("SET LOCAL enable_seqscan = on")

STUCK_AFTER: Final = timedelta(minutes=10)
"""How long an event message may stay unsent, or a retry overdue, before that is a discrepancy."""

# Rows that a running transaction changes are seen as they were before or after it, never between: each
# statement has one snapshot, and the path writes order, lines and tickets in one transaction.
RULES: Final[Mapping[str, str]] = {
    "total_differs_from_lines": """
        SELECT o.id AS subject, o.tenant_id,
            'subtotal is ' || o.subtotal || ', its lines make ' || COALESCE(sum(l.amount), 0) AS detail
        FROM orders o LEFT JOIN order_lines l ON l.order_id = o.id
        GROUP BY o.id HAVING o.subtotal <> COALESCE(sum(l.amount), 0)
    """,
    "tickets_differ_from_quantity": """
        SELECT o.id AS subject, o.tenant_id,
            'line ' || l.line_number || ' has ' || count(t.id) || ' tickets for a quantity of '
                || l.quantity AS detail
        FROM orders o
        JOIN order_lines l ON l.order_id = o.id
        JOIN ticket_classes c ON c.id = l.ticket_class_id
        LEFT JOIN tickets t ON t.order_id = l.order_id AND t.line_number = l.line_number
            AND t.status <> 'voided'
        WHERE o.status = 'placed'
            -- A purchase that made the inventory has none, nor has one whose tickets a sale took.
            AND c.bought_by_order_id IS DISTINCT FROM o.id
            AND NOT EXISTS (
                SELECT FROM order_trades p
                WHERE p.order_id = o.id AND p.is_purchase AND p.counterpart_id IS NOT NULL)
        GROUP BY o.id, l.order_id, l.line_number HAVING count(t.id) <> l.quantity
    """,
    "paid_differs_from_payments": """
        SELECT o.id AS subject, o.tenant_id,
            'paid is ' || o.paid || ', its payments make ' || COALESCE(sum(p.amount), 0) AS detail
        FROM orders o
        LEFT JOIN payments p ON p.order_id = o.id AND p.status = 'completed' AND NOT p.is_refund
        GROUP BY o.id HAVING o.paid <> COALESCE(sum(p.amount), 0)
    """,
    "refunded_differs_from_refunds": """
        SELECT o.id AS subject, o.tenant_id,
            'refunded is ' || o.refunded || ', its refunds make ' || COALESCE(sum(p.amount), 0) AS detail
        FROM orders o
        LEFT JOIN payments p ON p.order_id = o.id AND p.status = 'completed' AND p.is_refund
        GROUP BY o.id HAVING o.refunded <> COALESCE(sum(p.amount), 0)
    """,
    "held_differs_from_holds": """
        SELECT c.id AS subject, c.tenant_id,
            'held is ' || c.held || ', its holds make ' || COALESCE(h.held, 0) AS detail
        FROM ticket_classes c
        LEFT JOIN (
            SELECT ticket_class_id, sum(quantity) AS held FROM holds WHERE status = 'held' GROUP BY 1
        ) h ON h.ticket_class_id = c.id
        WHERE c.held <> COALESCE(h.held, 0)
    """,
    "sold_differs_from_tickets": """
        SELECT c.id AS subject, c.tenant_id,
            'sold is ' || c.sold || ', there are ' || COALESCE(t.count, 0) || ' tickets' AS detail
        FROM ticket_classes c
        LEFT JOIN (
            SELECT ticket_class_id, count(*) FROM tickets WHERE status <> 'voided' GROUP BY 1
        ) t ON t.ticket_class_id = c.id
        WHERE c.sold <> COALESCE(t.count, 0)
    """,
    "seat_taken_without_ticket": """
        SELECT s.id AS subject, c.tenant_id,
            'seat ' || s.label || CASE WHEN s.is_taken
                THEN ' is taken, but has no ticket and no hold'
                ELSE ' has a ticket or a hold, but is free' END AS detail
        FROM seats s
        JOIN ticket_classes c ON c.id = s.ticket_class_id
        LEFT JOIN tickets t ON t.seat_id = s.id AND t.status <> 'voided'
        LEFT JOIN holds h ON h.id = s.hold_id AND h.status = 'held'
        WHERE s.is_taken <> (t.id IS NOT NULL OR h.id IS NOT NULL)
    """,
    "order_without_event_message": """
        SELECT o.id AS subject, o.tenant_id,
            'last sequence is ' || o.last_sequence || ', there are ' || count(m.subject)
                || ' event messages' AS detail
        FROM orders o LEFT JOIN event_messages m ON m.subject = o.id
        GROUP BY o.id HAVING count(m.subject) <> o.last_sequence
    """,
    "event_message_stuck": """
        SELECT subject, tenant_id, 'unsent since ' || o.created_at AS detail
        FROM outbox o JOIN event_messages USING (subject, sequence) WHERE o.created_at < :stuck_before
    """,
    "request_without_order": """
        SELECT r.id AS subject, r.tenant_id, 'its order ' || r.order_id || ' is not there' AS detail
        FROM requests r LEFT JOIN orders o ON o.id = r.order_id
        WHERE r.order_id IS NOT NULL AND o.id IS NULL
    """,
    "request_stuck": """
        SELECT d.request_id AS subject, t.id AS tenant_id,
            'due since ' || d.next_attempt_at || ' after ' || d.attempts || ' attempts' AS detail
        FROM delayed_requests d
        JOIN tenants t ON t.name = convert_from(d.request, 'UTF8')::json ->> 'tenant'
        WHERE d.next_attempt_at < :stuck_before
    """,
}

_REMEMBER = text("""
    INSERT INTO discrepancies (rule, subject, tenant_id, detail, found_at, last_seen_at)
    VALUES (:rule, :subject, :tenant_id, :detail, :now, :now)
    ON CONFLICT (rule, subject) DO UPDATE SET last_seen_at = excluded.last_seen_at,
        detail = excluded.detail
    RETURNING (xmax = 0) AS is_new
""")

_FORGET = text("DELETE FROM discrepancies WHERE last_seen_at < :now")


@dataclass(frozen=True, slots=True)
class Discrepancy:
    """A difference that a rule found: `subject` is the id of the row in question."""

    rule: str
    subject: UUID
    tenant_id: UUID
    detail: str


def reconcile(connection: Connection, *, now: datetime) -> list[Discrepancy]:
    """Run every rule; tell of what is new through the outbox; return all that is found."""
    # Whole tables are read here, on a connection that may otherwise look everything up by key.
    connection.execute(_READ_WHOLE_TABLES)
    found = [one for rule in RULES for one in _check(connection, rule, now)]
    new = [one for one in found if _is_new(connection, one, now)]
    connection.execute(_FORGET, {"now": now})
    add_events(connection, _messages(new, now))
    return found


def _check(connection: Connection, rule: str, now: datetime) -> list[Discrepancy]:
    statement = RULES[rule]
    parameters = {"stuck_before": now - STUCK_AFTER} if ":stuck_before" in statement else {}
    rows = connection.execute(text(statement), parameters)
    return [Discrepancy(rule, row.subject, row.tenant_id, row.detail) for row in rows]


def _is_new(connection: Connection, one: Discrepancy, now: datetime) -> bool:
    return bool(
        connection.execute(
            _REMEMBER,
            {
                "rule": one.rule,
                "subject": one.subject,
                "tenant_id": one.tenant_id,
                "detail": one.detail,
                "now": now,
            },
        ).scalar_one()
    )


def _messages(discrepancies: Sequence[Discrepancy], now: datetime) -> list[EventRow]:
    """Return one event message each, under an id of its own."""
    return [
        EventRow(
            str(id_),
            1,
            str(one.tenant_id),
            "reconciliation.discrepancy_found",
            orjson.dumps({"rule": one.rule, "subject": one.subject, "detail": one.detail}).decode(),
            now,
        )
        for id_, one in zip(new_ids(len(discrepancies)), discrepancies, strict=True)
    ]
