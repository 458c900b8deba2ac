"""The outbox: what the world is told, written in the transaction that it tells of."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, text

from db import tables
from db.bulk import array, copy_rows
from db.ids import new_ids
from schemas.events import EventType, cloud_event

# An event message waits until the earlier ones of its subject are sent, so that however many relays
# run, they keep the order of `sequence`. What another relay has claimed is skipped, not waited for.
_CLAIM = text("""
    SELECT m.id, m.type, t.name AS tenant, m.subject, m.sequence, m.created_at,
        m.data::text AS data
    FROM event_messages m
    JOIN tenants t ON t.id = m.tenant_id
    WHERE m.sent_at IS NULL
        AND NOT EXISTS (
            SELECT FROM event_messages earlier
            WHERE earlier.subject = m.subject AND earlier.sequence < m.sequence
                AND earlier.sent_at IS NULL)
    ORDER BY m.id LIMIT :limit
    FOR UPDATE OF m SKIP LOCKED
""")

_MARK_SENT = text("UPDATE event_messages SET sent_at = :now WHERE id = ANY(CAST(:ids AS uuid[]))")


@dataclass(frozen=True, slots=True)
class EventMessage:
    """One event message to be: `data` is JSON, `subject` an order's id (a request's for a rejection)."""

    tenant_id: UUID
    type: EventType
    subject: UUID
    sequence: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Claimed:
    """One event message that this relay has claimed, as CloudEvents JSON."""

    id: UUID
    type: str
    body: bytes


def tell(connection: Connection, messages: Iterable[EventMessage], now: datetime) -> None:
    """Write event messages to the outbox."""
    messages = list(messages)
    ids = new_ids(len(messages))
    copy_rows(
        connection,
        tables.event_messages,
        ("id", "tenant_id", "type", "subject", "sequence", "data", "created_at"),
        (
            (id_, message.tenant_id, message.type, message.subject, message.sequence,
             message.data.decode(), now)
            for id_, message in zip(ids, messages, strict=True)
        ),
    )  # fmt: skip


def claim_unsent(connection: Connection, limit: int) -> list[Claimed]:
    """Lock and return the oldest event messages not yet sent, at most one a subject."""
    return [
        Claimed(
            row.id,
            row.type,
            cloud_event(
                event_id=row.id,
                event_type=row.type,
                tenant=row.tenant,
                subject=str(row.subject),
                sequence=row.sequence,
                time=row.created_at,
                data=row.data.encode(),
            ),
        )
        for row in connection.execute(_CLAIM, {"limit": limit})
    ]


def mark_sent(connection: Connection, messages: Sequence[Claimed], now: datetime) -> None:
    """Record that the broker has confirmed the messages."""
    connection.execute(_MARK_SENT, {"now": now, "ids": array(message.id for message in messages)})
