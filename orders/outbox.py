"""The outbox: event messages, written in the transaction of the change that they report."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Connection, text

from db import tables
from db.bulk import array, insert_rows
from orders.event_data import event_data, is_shorter, size
from orders.rows import MessageRow
from schemas.events import MAX_EVENT_BYTES, cloud_event, data_uri
from worker.runtime.tracing import current_traceparent

# Locking the earliest event message of a subject claims the later ones, too: several relays keep the order of
# `sequence`. Messages that another relay has claimed are skipped. The sizes are added up before the data are
# read; the first message is taken whatever its size. MATERIALIZED and LATERAL: each step runs once and looks
# its rows up by key, however old the plan is; a plan made for empty tables ran a step for each row.
_CLAIM = text("""
    WITH earliest AS MATERIALIZED (
        SELECT subject FROM outbox
        WHERE subject > :after AND NOT EXISTS (
            SELECT FROM outbox earlier
            WHERE earlier.subject = outbox.subject AND earlier.sequence < outbox.sequence)
        AND (cardinality(CAST(:but_types AS text[])) = 0 OR EXISTS (
            SELECT FROM event_messages waiting
            WHERE waiting.subject = outbox.subject AND waiting.sequence = outbox.sequence
                AND waiting.type <> ALL(CAST(:but_types AS text[]))))
        ORDER BY subject LIMIT :limit
        FOR UPDATE SKIP LOCKED
    ), claimed AS MATERIALIZED (
        SELECT of_one.* FROM earliest CROSS JOIN LATERAL (
            SELECT subject, sequence, bytes, traceparent FROM outbox WHERE outbox.subject = earliest.subject
            ORDER BY sequence LIMIT :limit
        ) of_one
        ORDER BY subject, sequence LIMIT :limit
    )
    SELECT o.subject, o.sequence, o.traceparent, m.type, m.created_at, m.data,
        (SELECT name FROM tenants WHERE id = m.tenant_id) AS tenant
    FROM (SELECT *, sum(bytes) OVER (ORDER BY subject, sequence) AS together FROM claimed) o
    CROSS JOIN LATERAL (
        SELECT type, tenant_id, created_at, data::text AS data FROM event_messages
        WHERE event_messages.subject = o.subject AND event_messages.sequence = o.sequence OFFSET 0
    ) m
    WHERE o.together <= :max_bytes OR o.together = o.bytes
    ORDER BY o.subject, o.sequence
""")

# The mark records what was sent after its row is gone: reconciliation finds rows that are gone but were not
# sent. It is one narrow row per subject. Sending a message again does not lower the mark.
_MARK_SENT = text("""
    WITH sent AS (
        DELETE FROM outbox WHERE (subject, sequence) IN (
            SELECT * FROM unnest(CAST(:subjects AS uuid[]), CAST(:sequences AS int[])))
        RETURNING subject, sequence
    )
    INSERT INTO sent_marks (subject, sequence)
    SELECT subject, max(sequence) FROM sent GROUP BY subject ORDER BY subject
    ON CONFLICT (subject) DO UPDATE SET sequence = greatest(sent_marks.sequence, excluded.sequence)
""")

# An existing row stays: two concurrent operators insert it once.
_SEND_AGAIN = text("""
    INSERT INTO outbox (subject, sequence, created_at, bytes)
    SELECT subject, sequence, statement_timestamp(), octet_length(data::text) FROM event_messages
    WHERE subject = :subject AND sequence = :sequence
    ON CONFLICT (subject, sequence) DO UPDATE SET bytes = excluded.bytes
""")

_UNSENT = text("""
    SELECT count(*) AS messages,
        coalesce(extract(epoch FROM statement_timestamp() - min(created_at)), 0) AS age
    FROM outbox
""")

FIRST: Final = UUID(int=0)
"""The subject that sorts before all others."""


@dataclass(frozen=True, slots=True)
class ClaimedMessage:
    """One event message that this relay has claimed, as CloudEvents JSON."""

    subject: UUID
    sequence: int
    type: str
    tenant: str
    body: bytes
    traceparent: str | None = None
    """The trace context of the batch that made it."""

    @property
    def name(self) -> tuple[UUID, int]:
        """Return its name: subject and sequence number."""
        return self.subject, self.sequence


@dataclass(frozen=True, slots=True)
class Unsent:
    """The number of event messages in the outbox, and the age of the oldest in seconds."""

    count: int
    age_seconds: float


def add_messages(
    connection: Connection, messages: Sequence[MessageRow], max_event_bytes: int = MAX_EVENT_BYTES
) -> None:
    """Write event messages, each of at most `max_event_bytes`, and their outbox rows."""
    if not messages:
        return
    messages = [_bounded(message, max_event_bytes) for message in messages]
    insert_rows(connection, tables.event_messages, MessageRow._fields, messages)
    traceparent = current_traceparent()  # without tracing a column of nothing, which is not sent
    insert_rows(
        connection,
        tables.outbox,
        ("subject", "sequence", "created_at", "bytes", "traceparent"),
        [(one.subject, one.sequence, one.created_at, size(one.data), traceparent) for one in messages],
    )


def _bounded(message: MessageRow, max_event_bytes: int) -> MessageRow:
    data = event_data(message.data, max_event_bytes)
    return message if data is message.data else message._replace(data=data)


def claim_unsent(
    connection: Connection,
    *,
    after: UUID,
    limit: int,
    max_bytes: int = 4 * MAX_EVENT_BYTES,
    max_event_bytes: int = MAX_EVENT_BYTES,
    but_types: Collection[str] = (),
    public_url: str | None = None,
) -> list[ClaimedMessage]:
    """Lock and return unsent event messages, in the order of subjects and sequence numbers.

    They are at most `limit`, with at most `max_bytes` of data together; a single one is returned whatever its
    size. Messages of some types may be skipped. A relay that continues after the last subject that it claimed
    does not read deleted rows again. Messages written under a larger limit are shortened to
    `max_event_bytes`.
    """
    parameters = {"after": after, "limit": limit, "max_bytes": max_bytes, "but_types": list(but_types)}
    return [
        _claimed(row, event_data(row.data, max_event_bytes), public_url)
        for row in connection.execute(_CLAIM, parameters)
    ]


def _claimed(row: Any, data: str, public_url: str | None) -> ClaimedMessage:
    body = cloud_event(
        event_id=f"{row.subject}/{row.sequence}",
        event_type=row.type,
        tenant=row.tenant,
        subject=str(row.subject),
        sequence=row.sequence,
        time=row.created_at,
        data=data.encode(),
        traceparent=row.traceparent,
        dataref=data_uri(row.type, str(row.subject), public_url) if is_shorter(data) else None,
    )
    return ClaimedMessage(row.subject, row.sequence, row.type, row.tenant, body, row.traceparent)


def mark_sent(connection: Connection, messages: Sequence[ClaimedMessage]) -> None:
    """Delete messages from the outbox, and record the last sent sequence number of each subject.

    The broker has confirmed them, or they were stored as dead letters.
    """
    connection.execute(
        _MARK_SENT,
        {
            "subjects": array(message.subject for message in messages),
            "sequences": array(message.sequence for message in messages),
        },
    )


def send_again(connection: Connection, subject: UUID, sequence: int) -> bool:
    """Put an event message into the outbox again; return whether it exists."""
    found = connection.execute(_SEND_AGAIN, {"subject": subject, "sequence": sequence})
    return bool(found.rowcount)


def unsent(connection: Connection) -> Unsent:
    """Return the size and the age of the outbox; this reads one narrow table."""
    row = connection.execute(_UNSENT).one()
    return Unsent(row.messages, max(float(row.age), 0.0))
