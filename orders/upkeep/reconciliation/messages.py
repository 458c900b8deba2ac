"""Rules of event messages: against their orders."""

from typing import Final

from orders.upkeep.reconciliation.rules import OURS, Look, Rule

# Each change has one event message of the first four counted types, besides those of tickets. PostgreSQL may
# read the whole table for EXISTS as a value, so these are counts.
_SEQUENCES: Final = """
    SELECT o.id AS subject, o.tenant_id, o.status, o.version, o.last_sequence, o.cancelled_at,
        m.count, m.first, m.last, m.first_type, m.confirmed, m.updated, m.cancelled, m.paid, m.checked_in,
        m.voided, m.issued,
        m.count IS NOT DISTINCT FROM o.last_sequence AND m.first = 1 AND m.last = o.last_sequence AS is_whole,
        -- Most orders were never changed, and nothing else is read for them.
        CASE WHEN o.last_sequence > 1 THEN (
            SELECT count(*) FROM tickets t WHERE t.order_id = o.id AND t.status = 'voided') ELSE 0
        END AS voided_tickets,
        COALESCE(c.count, 0) AS changes, COALESCE(c.payments, 0) AS payments,
        COALESCE(c.check_ins, 0) AS check_ins,
        CASE WHEN o.status <> 'placed' THEN (
            SELECT count(*) > 0 FROM tickets t WHERE t.order_id = o.id AND t.status <> 'voided') ELSE FALSE
        END AS has_valid_tickets
    FROM orders o
    LEFT JOIN (
        SELECT subject AS order_id, count(*) AS count, min(sequence) AS first, max(sequence) AS last,
            min(type) FILTER (WHERE sequence = 1) AS first_type,
            count(*) FILTER (WHERE type = 'order.confirmed') AS confirmed,
            count(*) FILTER (WHERE type = 'order.updated') AS updated,
            count(*) FILTER (WHERE type = 'order.cancelled') AS cancelled,
            count(*) FILTER (WHERE type = 'payment.recorded') AS paid,
            count(*) FILTER (WHERE type = 'ticket.checked_in') AS checked_in,
            count(*) FILTER (WHERE type = 'ticket.voided') AS voided,
            count(*) FILTER (WHERE type = 'ticket.issued') AS issued
        FROM event_messages WHERE subject > :after AND subject <= :upto GROUP BY subject
    ) AS m ON m.order_id = o.id
    LEFT JOIN (
        SELECT order_id, count(*) AS count, count(*) FILTER (WHERE kind = 'payments.record') AS payments,
            count(*) FILTER (WHERE kind = 'tickets.check_in') AS check_ins
        FROM order_changes WHERE order_id > :after AND order_id <= :upto GROUP BY order_id
    ) AS c ON c.order_id = o.id
    WHERE o.id > :after AND o.id <= :upto
"""

SEQUENCES: Final = Look(
    _SEQUENCES,
    (
        Rule(
            "order_without_event_message",
            "NOT is_whole",
            "'last sequence is ' || last_sequence"
            " || ', there are ' || COALESCE(count, 0) || ' event messages'"
            " || COALESCE(' from ' || first || ' to ' || last, '')",
        ),
        Rule(
            "history_differs_from_version",
            "changes <> version - 1",
            "'version is ' || version || ', there are ' || changes || ' changes in its history'",
        ),
        Rule(
            "wrong_event_type",
            """is_whole AND changes = version - 1 AND (
                first_type <> 'order.confirmed' OR confirmed <> 1
                OR paid <> payments OR checked_in > check_ins
                OR voided <> voided_tickets AND NOT has_valid_tickets
                OR updated + cancelled + paid + checked_in <> version - 1
                OR confirmed + updated + cancelled + paid + checked_in + voided + issued <> last_sequence
                -- A status that was changed behind the back is another rule's finding.
                OR CASE WHEN status = 'placed' THEN cancelled <> 0 AND cancelled_at IS NULL
                    ELSE cancelled <> 1 AND NOT has_valid_tickets END)""",
            "'the types of its event messages are not those of its changes: the first is ' || first_type"
            " || '; ' || cancelled || ' report a cancellation of the order, which is ' || status",
        ),
    ),
)

# Only messages with the whole order have its amounts, whatever their types. Amounts that follow from lines
# are checked by the rules of money. Searching for the text of the amounts is faster than reading the JSON.
_PUBLISHED: Final = """
    SELECT o.id AS subject, o.tenant_id, m.sequence, o.shipping, o.service_fee, o.additional_expense,
        o.discount, published.shipping AS published_shipping, published.service_fee AS published_service_fee,
        published.additional_expense AS published_additional_expense, published.discount AS published_discount
    FROM orders o
    CROSS JOIN LATERAL (
        SELECT sequence, data FROM event_messages
        WHERE subject = o.id AND position('"totals":' IN data::text) > 0 ORDER BY sequence DESC LIMIT 1
    ) AS m
    CROSS JOIN LATERAL json_to_record(m.data -> 'totals') AS published (
        shipping numeric, service_fee numeric, additional_expense numeric, discount numeric)
    WHERE o.id > :after AND o.id <= :upto AND position(concat(
        '"shipping":"', o.shipping, '","service_fee":"', o.service_fee,
        '","additional_expense":"', o.additional_expense, '","tax":"', o.tax,
        '","included_tax":"', o.included_tax, '","discount":"', o.discount, '"') IN m.data::text) = 0
"""

_AMOUNTS: Final = ("shipping", "service_fee", "additional_expense", "discount")

PUBLISHED_AMOUNTS: Final = Look(
    _PUBLISHED,
    (
        Rule(
            "amounts_differ_from_event_message",
            " OR ".join(f"{name} <> published_{name}" for name in _AMOUNTS),
            " || ', ' || ".join(
                f"'{name} is ' || {name} || ', published ' || published_{name}" for name in _AMOUNTS
            )
            + " || ', by event message ' || sequence",
        ),
    ),
)

_NAMELESS: Final = f"""
    SELECT subject, tenant_id, sequence, type FROM event_messages m
    WHERE subject > :after AND subject <= :upto AND type <> {OURS}
        AND NOT EXISTS (SELECT FROM orders WHERE id = m.subject)
        AND NOT (type = 'order.rejected' AND sequence = 1 AND (
            EXISTS (SELECT FROM requests WHERE id = m.subject)
            OR EXISTS (SELECT FROM request_repeats WHERE id = m.subject)))
"""  # noqa: S608

NAMELESS: Final = Look(
    _NAMELESS,
    (
        Rule(
            "event_message_of_nothing",
            "TRUE",
            "'event message ' || sequence || ', ' || type || ', is of no order and of no request'",
        ),
    ),
)
