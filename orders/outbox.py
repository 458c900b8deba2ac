"""The outbox: what the world is told, written in the transaction that it tells of."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from sqlalchemy import Connection, text

from db import tables
from db.bulk import array, copy_rows
from orders.rows import EventRow
from schemas.events import cloud_event

# An event message waits until the earlier ones of its subject are sent, so that however many relays
# run, they keep the order of `sequence`. What another relay has claimed is skipped, not waited for.
_CLAIM = text("""
    SELECT o.subject, o.sequence, m.type, t.name AS tenant, m.created_at, m.data::text AS data
    FROM (
        SELECT subject, sequence FROM outbox
        WHERE subject > :after AND NOT EXISTS (
            SELECT FROM outbox earlier
            WHERE earlier.subject = outbox.subject AND earlier.sequence < outbox.sequence)
        ORDER BY subject LIMIT :limit
        FOR UPDATE SKIP LOCKED
    ) o
    JOIN event_messages m USING (subject, sequence)
    JOIN tenants t ON t.id = m.tenant_id
    ORDER BY o.subject
""")

# The mark says what was sent when its row is gone: so reconciliation finds what is gone and was not sent. It
# is one narrow row a subject, however often that is told of.
_MARK_SENT = text("""
    WITH sent AS (
        DELETE FROM outbox WHERE (subject, sequence) IN (
            SELECT * FROM unnest(CAST(:subjects AS uuid[]), CAST(:sequences AS int[])))
        RETURNING subject, sequence
    )
    INSERT INTO sent_marks (subject, sequence)
    SELECT subject, max(sequence) FROM sent GROUP BY subject ORDER BY subject
    ON CONFLICT (subject) DO UPDATE SET sequence = excluded.sequence
""")

FIRST: Final = UUID(int=0)
"""The subject before all others."""


@dataclass(frozen=True, slots=True)
class Claimed:
    """One event message that this relay has claimed, as CloudEvents JSON."""

    subject: UUID
    sequence: int
    type: str
    body: bytes


def add_events(connection: Connection, events: Sequence[EventRow]) -> None:
    """Write event messages, and that they are to be sent."""
    if not events:
        return
    copy_rows(connection, tables.event_messages, EventRow._fields, events)
    copy_rows(
        connection,
        tables.outbox,
        ("subject", "sequence", "created_at"),
        [(event.subject, event.sequence, event.created_at) for event in events],
    )


def claim_unsent(connection: Connection, *, after: UUID, limit: int) -> list[Claimed]:
    """Lock and return event messages not yet sent, at most one a subject, in the order of subjects.

    A relay that goes on after the last subject it has claimed does not read its own leavings again.
    """
    return [
        Claimed(
            row.subject,
            row.sequence,
            row.type,
            cloud_event(
                event_id=f"{row.subject}/{row.sequence}",
                event_type=row.type,
                tenant=row.tenant,
                subject=str(row.subject),
                sequence=row.sequence,
                time=row.created_at,
                data=row.data.encode(),
            ),
        )
        for row in connection.execute(_CLAIM, {"after": after, "limit": limit})
    ]


def mark_sent(connection: Connection, messages: Sequence[Claimed]) -> None:
    """Take messages that the broker has confirmed out of the outbox, and mark up to where they are sent."""
    connection.execute(
        _MARK_SENT,
        {
            "subjects": array(message.subject for message in messages),
            "sequences": array(message.sequence for message in messages),
        },
    )
