"""Rules of tickets: against lines, the order's status, and the catalogue."""

from typing import Final

from orders.upkeep.reconciliation.rules import Look, Rule

# A purchase that created inventory has no tickets, nor has one whose tickets a sale took.
_LINES: Final = """
    SELECT l.order_id, l.line_number, l.quantity, count(t.id) AS tickets,
        c.bought_by_order_id IS NOT DISTINCT FROM l.order_id
            OR COALESCE(p.is_purchase AND p.counterpart_id IS NOT NULL, FALSE) AS has_none,
        c.event_id <> l.event_id OR c.tenant_id <> o.tenant_id OR o.event_id <> e.external_id
            OR (l.quantity > 0 AND o.currency <> e.currency) AS is_foreign
    FROM orders o
    JOIN order_lines l ON l.order_id = o.id
    JOIN ticket_classes c ON c.id = l.ticket_class_id
    JOIN events e ON e.id = c.event_id
    LEFT JOIN order_trades p ON p.order_id = o.id AND p.order_id > :after AND p.order_id <= :upto
    LEFT JOIN tickets t ON t.order_id = l.order_id AND t.line_number = l.line_number
        AND t.status <> 'voided' AND t.order_id > :after AND t.order_id <= :upto
    WHERE o.id > :after AND o.id <= :upto AND l.order_id > :after AND l.order_id <= :upto
    GROUP BY l.order_id, l.line_number, c.id, e.id, o.id, p.order_id
"""

_ORDERS: Final = f"""
    SELECT o.id AS subject, o.tenant_id, o.status, o.total, o.cancelled_at, o.currency,
        COALESCE(l.tickets, 0) AS tickets, COALESCE(l.quantity, 0) AS quantity,
        l.wrong_line, l.foreign_line
    FROM orders o
    LEFT JOIN (
        SELECT order_id, sum(tickets) AS tickets, sum(quantity) AS quantity,
            min(line_number) FILTER (WHERE tickets <> quantity AND NOT has_none) AS wrong_line,
            min(line_number) FILTER (WHERE is_foreign) AS foreign_line
        FROM ({_LINES}) AS line GROUP BY order_id
    ) AS l ON l.order_id = o.id
    WHERE o.id > :after AND o.id <= :upto
"""  # noqa: S608

_HAS_VALID: Final = "status <> 'placed' AND tickets > 0"

ORDERS: Final = Look(
    _ORDERS,
    (
        Rule(
            "tickets_differ_from_quantity",
            "status = 'placed' AND wrong_line IS NOT NULL",
            "'line ' || wrong_line || ' has not as many tickets as its quantity; the order has ' || tickets"
            " || ' tickets for a quantity of ' || quantity",
        ),
        Rule(
            "cancelled_order_with_valid_tickets",
            _HAS_VALID,
            "'the order is ' || status || ', and ' || tickets || ' of its tickets are not voided'",
        ),
        # An order with valid tickets is another rule's finding.
        Rule(
            "cancellation_incomplete",
            f"""CASE WHEN status = 'placed' THEN cancelled_at IS NOT NULL
                ELSE cancelled_at IS NULL OR total <> 0 OR quantity > 0 END AND NOT ({_HAS_VALID})""",
            "'the order is ' || status || ', cancelled_at is ' || COALESCE(cancelled_at::text, 'null')"
            " || ', its total ' || total || ' and its quantity ' || quantity",
        ),
        Rule(
            "line_of_another_event",
            "foreign_line IS NOT NULL",
            "'line ' || foreign_line || ' names another event, tenant or currency than its ticket class'"
            " || ' or its order, which is in ' || currency",
        ),
    ),
)

_TICKETS: Final = """
    SELECT t.id AS subject, o.tenant_id, t.order_id, t.code, o.payment_status,
        t.ticket_class_id <> l.ticket_class_id AS is_of_another_class,
        c.has_seats AND t.seat_id IS NULL AND t.ticket_class_id = l.ticket_class_id AS lacks_seat,
        s.ticket_class_id NOT IN (t.ticket_class_id, l.ticket_class_id) AS has_foreign_seat,
        t.code IS NULL AND o.status = 'placed' AND (
            o.payment_status = 'paid'
            -- A ticket published with a code was issued, whenever the tenant issues its tickets.
            OR (
                SELECT count(*) > 0 FROM event_messages m
                CROSS JOIN LATERAL json_array_elements(CASE
                    WHEN m.type = 'ticket.issued' THEN json_build_array(m.data -> 'ticket')
                    WHEN json_typeof(m.data -> 'tickets') = 'array' THEN m.data -> 'tickets'
                    ELSE '[]' END) AS published (ticket)
                WHERE m.subject = t.order_id AND m.type IN ('order.confirmed', 'ticket.issued')
                    AND published.ticket ->> 'id' = t.id::text AND published.ticket ->> 'code' IS NOT NULL)
            -- A confirmation that is too large to name its tickets counts them, and all have a code or none.
            OR (
                SELECT (m.data -> 'ticket_counts' -> c.external_id ->> 'issued')::int > 0
                FROM event_messages m WHERE m.subject = t.order_id AND m.sequence = 1
                    AND m.type = 'order.confirmed' AND m.created_at = t.created_at)
        ) AS lacks_code
    FROM tickets t
    JOIN order_lines l ON l.order_id = t.order_id AND l.line_number = t.line_number
    JOIN orders o ON o.id = t.order_id
    JOIN ticket_classes c ON c.id = t.ticket_class_id
    LEFT JOIN seats s ON s.id = t.seat_id
    WHERE t.status <> 'voided' AND t.order_id > :after AND t.order_id <= :upto
        AND l.order_id > :after AND l.order_id <= :upto AND o.id > :after AND o.id <= :upto
        AND (t.code IS NULL OR t.ticket_class_id <> l.ticket_class_id OR t.seat_id IS NULL AND c.has_seats
            OR s.ticket_class_id NOT IN (t.ticket_class_id, l.ticket_class_id))
"""

TICKETS: Final = Look(
    _TICKETS,
    (
        Rule(
            "ticket_without_code",
            "lacks_code",
            "'a ticket of order ' || order_id || ' has no code; the order is ' || payment_status",
        ),
        Rule(
            "ticket_of_another_class",
            "is_of_another_class",
            "'a ticket of order ' || order_id || ' is of another ticket class than its line'",
        ),
        Rule(
            "ticket_without_seat",
            "lacks_seat",
            "'a ticket of order ' || order_id || ' has no seat, and its ticket class has'",
        ),
        Rule(
            "ticket_with_seat_of_another_class",
            "has_foreign_seat",
            "'a ticket of order ' || order_id || ' has a seat of another ticket class'",
        ),
    ),
)
