"""Rules of the inventory: counters, seats and holds against tickets, promo codes against orders."""

from typing import Final

from orders.upkeep.reconciliation.rules import Look, Rule

# Tickets are found by the lines of the classes' events. A ticket of another class than its line, or a valid
# ticket of an empty line, is another rule's finding: `sold` may be any of the sums with or without it. The
# same applies to a hold that names the order that used it, and is still `held`.
_COUNTERS: Final = """
    WITH tickets AS (
        SELECT l.ticket_class_id AS line_class_id, t.ticket_class_id, count(*) AS count,
            count(*) FILTER (WHERE l.quantity > 0) AS standing
        FROM order_lines l
        JOIN tickets t ON t.order_id = l.order_id AND t.line_number = l.line_number
        WHERE l.event_id = ANY (CAST(:event_ids AS uuid[])) AND t.status <> 'voided'
        GROUP BY 1, 2
    )
    SELECT c.id AS subject, c.tenant_id, c.sold, c.held,
        COALESCE(by_line.count, 0) AS tickets, COALESCE(by_line.standing, 0) AS standing,
        COALESCE(by_class.count, 0) AS own, COALESCE(h.held, 0) AS holds, COALESCE(h.running, 0) AS running
    FROM ticket_classes c
    LEFT JOIN (
        SELECT line_class_id AS id, sum(count) AS count, sum(standing) AS standing FROM tickets GROUP BY 1
    ) AS by_line ON by_line.id = c.id
    LEFT JOIN (
        SELECT ticket_class_id AS id, sum(count) AS count FROM tickets GROUP BY 1
    ) AS by_class ON by_class.id = c.id
    LEFT JOIN (
        SELECT ticket_class_id AS id, sum(quantity) AS held,
            sum(quantity) FILTER (WHERE order_id IS NULL) AS running
        FROM holds WHERE status = 'held' AND ticket_class_id = ANY (CAST(:class_ids AS uuid[])) GROUP BY 1
    ) AS h ON h.id = c.id
    WHERE c.id = ANY (CAST(:class_ids AS uuid[]))
"""

COUNTERS: Final = Look(
    _COUNTERS,
    (
        Rule(
            "sold_differs_from_tickets",
            "sold NOT IN (tickets, standing, own)",
            "'sold is ' || sold || ', there are ' || tickets || ' tickets'",
        ),
        Rule(
            "held_differs_from_holds",
            "held NOT IN (holds, running)",
            "'held is ' || held || ', its holds make ' || running",
        ),
    ),
)

# Emptied lines stay: an order that uses a code has a line of the code's event.
_USES: Final = """
    WITH orders_there AS (
        SELECT DISTINCT order_id FROM order_lines
        WHERE event_id IN (SELECT event_id FROM promo_codes WHERE event_id = ANY (CAST(:event_ids AS uuid[])))
    ), uses AS (
        SELECT CAST(used ->> 'id' AS uuid) AS id, count(*) AS count
        FROM orders_there t
        JOIN orders o ON o.id = t.order_id AND o.promo_terms IS NOT NULL
        CROSS JOIN LATERAL json_array_elements(o.promo_terms) AS used
        WHERE used ->> 'is_returned' IS DISTINCT FROM 'true'
        GROUP BY 1
    )
    SELECT p.id AS subject, e.tenant_id, p.code, p.used, COALESCE(u.count, 0) AS orders
    FROM promo_codes p
    JOIN events e ON e.id = p.event_id
    LEFT JOIN uses u ON u.id = p.id
    WHERE p.event_id = ANY (CAST(:event_ids AS uuid[]))
"""

USES: Final = Look(
    _USES,
    (
        Rule(
            "promo_code_uses_differ_from_orders",
            "used <> orders",
            "'promo code ' || code || ' was used ' || used || ' times, and ' || orders || ' orders use it'",
        ),
    ),
)

_SEATS: Final = """
    SELECT s.id AS subject, c.tenant_id, s.label, s.is_taken, s.hold_id, t.id AS ticket_id,
        h.status AS hold_status
    FROM seats s
    JOIN ticket_classes c ON c.id = s.ticket_class_id
    LEFT JOIN tickets t ON t.seat_id = s.id AND t.status <> 'voided'
    LEFT JOIN holds h ON h.id = s.hold_id
    WHERE s.id > :after AND s.id <= :upto
"""

_IS_HELD: Final = "hold_status IS NOT DISTINCT FROM 'held'"

SEATS: Final = Look(
    _SEATS,
    (
        Rule(
            "seat_free_but_sold",
            "NOT is_taken AND ticket_id IS NOT NULL",
            "'seat ' || label || ' is free, and sold as ticket ' || ticket_id",
        ),
        Rule(
            "seat_free_but_held",
            f"NOT is_taken AND ticket_id IS NULL AND {_IS_HELD}",
            "'seat ' || label || ' is free, and held by hold ' || hold_id",
        ),
        Rule(
            "seat_taken_without_ticket",
            f"is_taken AND ticket_id IS NULL AND NOT {_IS_HELD}",
            "'seat ' || label || ' is taken, but has no ticket and no hold'",
        ),
        Rule(
            "seat_sold_and_held",
            "is_taken AND ticket_id IS NOT NULL AND hold_id IS NOT NULL",
            "'seat ' || label || ' has ticket ' || ticket_id || ', and names hold ' || hold_id",
        ),
    ),
)

_HOLDS: Final = """
    SELECT h.id AS subject, h.tenant_id, h.status, h.order_id, h.quantity,
        o.id IS NULL OR o.tenant_id <> h.tenant_id AS lacks_order,
        c.has_seats AND h.status = 'held' AND h.order_id IS NULL AS has_seats,
        CASE WHEN h.status = 'held' THEN (SELECT count(*) FROM seats s WHERE s.hold_id = h.id) END AS seats
    FROM holds h
    JOIN ticket_classes c ON c.id = h.ticket_class_id
    LEFT JOIN orders o ON o.id = h.order_id
    WHERE h.id > :after AND h.id <= :upto
"""

HOLDS: Final = Look(
    _HOLDS,
    (
        Rule(
            "hold_counted_twice",
            "status <> 'used' AND order_id IS NOT NULL",
            "'the hold is ' || status || ', and order ' || order_id || ' has used it'",
        ),
        Rule(
            "used_hold_without_order",
            "status = 'used' AND lacks_order",
            "'the hold is used, and '"
            " || COALESCE('its order ' || order_id || ' does not exist', 'names no order')",
        ),
        Rule(
            "seats_differ_from_hold",
            "has_seats AND seats <> quantity",
            "'the hold is for ' || quantity || ' tickets, and ' || seats || ' seats name it'",
        ),
    ),
)
