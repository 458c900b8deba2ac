"""Rules of the outbox: against event messages and sent marks.

Their findings are not published: the event messages would wait in the same outbox.
"""

from typing import Final

from orders.upkeep.reconciliation.rules import OURS, Look, Rule

_UNSENT: Final = f"""
    SELECT m.subject, m.tenant_id, count(*) AS count, min(m.sequence) AS first
    FROM event_messages m
    LEFT JOIN sent_marks s ON s.subject = m.subject AND s.subject > :after AND s.subject <= :upto
    LEFT JOIN outbox x ON x.subject = m.subject AND x.sequence = m.sequence
        AND x.subject > :after AND x.subject <= :upto
    WHERE m.subject > :after AND m.subject <= :upto AND m.sequence > COALESCE(s.sequence, 0)
        AND x.subject IS NULL AND m.type <> {OURS}
    GROUP BY m.subject, m.tenant_id
"""  # noqa: S608

UNSENT: Final = Look(
    _UNSENT,
    (
        Rule(
            "event_message_never_sent",
            "TRUE",
            "count || ' event messages from ' || first || ' on were not sent, and are not in the outbox'",
            is_published=False,
        ),
    ),
)

# Missing messages of an order or of a rejection are another rule's finding. A row without a subject is
# assigned to any tenant.
_EMPTY: Final = """
    SELECT x.subject, max(x.sequence) AS sequence,
        COALESCE(o.tenant_id, r.tenant_id, (SELECT id FROM tenants ORDER BY id LIMIT 1)) AS tenant_id
    FROM outbox x
    LEFT JOIN orders o ON o.id = x.subject
    LEFT JOIN requests r ON r.id = x.subject AND r.status = 'rejected'
    WHERE x.subject > :after AND x.subject <= :upto
        AND x.sequence NOT BETWEEN 1 AND COALESCE(o.last_sequence, CASE WHEN r.id IS NOT NULL THEN 1 END, 0)
        AND NOT EXISTS (SELECT FROM event_messages m WHERE m.subject = x.subject AND m.sequence = x.sequence)
    GROUP BY x.subject, o.id, r.id
"""

EMPTY: Final = Look(
    _EMPTY,
    (
        Rule(
            "outbox_row_without_event_message",
            "TRUE",
            "'there is no event message ' || sequence",
            is_published=False,
        ),
    ),
)

# One finding per tenant, however many messages are stuck: counting them all takes time when the system is
# slow.
_STUCK: Final = f"""
    SELECT tenant_id AS subject, tenant_id, count(*) AS count, min(created_at) AS since,
        (array_agg(subject || '/' || sequence ORDER BY created_at, sequence))[1] AS oldest
    FROM (
        SELECT m.tenant_id, x.subject, x.sequence, x.created_at
        FROM outbox x JOIN event_messages m USING (subject, sequence)
        WHERE x.created_at < :stuck_before AND m.type <> {OURS} LIMIT 10000
    ) AS late GROUP BY tenant_id
"""  # noqa: S608

STUCK: Final = Look(
    _STUCK,
    (
        Rule(
            "event_message_stuck",
            "TRUE",
            "CASE WHEN count < 10000 THEN '' ELSE 'more than ' END || count || ' event messages are unsent;"
            " of them the oldest is ' || oldest || ', since ' || since",
            is_published=False,
        ),
    ),
)
