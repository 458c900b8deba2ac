"""The outbox: what the world is told, written in the transaction that it tells of."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Connection, text

from db import tables
from db.bulk import array, copy_rows
from orders.event_data import event_data, is_shorter, size
from orders.rows import EventRow
from schemas.events import MAX_EVENT_BYTES, cloud_event, data_uri

# The earliest event message of a subject stands for it: who has locked that has the later ones, too. So
# however many relays run, they keep the order of `sequence`. What another has claimed is not waited for.
# The sizes are added up before the data are read; the first one is taken whatever its size.
# Each step is done once and looks its rows up by key, however old the plan is: one that was made while the
# tables were empty was seen to do a step anew for each row.
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
            SELECT subject, sequence, bytes FROM outbox WHERE outbox.subject = earliest.subject
            ORDER BY sequence LIMIT :limit
        ) of_one
        ORDER BY subject, sequence LIMIT :limit
    )
    SELECT o.subject, o.sequence, m.type, m.created_at, m.data,
        (SELECT name FROM tenants WHERE id = m.tenant_id) AS tenant
    FROM (SELECT *, sum(bytes) OVER (ORDER BY subject, sequence) AS together FROM claimed) o
    CROSS JOIN LATERAL (
        SELECT type, tenant_id, created_at, data::text AS data FROM event_messages
        WHERE event_messages.subject = o.subject AND event_messages.sequence = o.sequence OFFSET 0
    ) m
    WHERE o.together <= :max_bytes OR o.together = o.bytes
    ORDER BY o.subject, o.sequence
""")

# The mark says what was sent when its row is gone: so reconciliation finds what is gone and was not sent. It
# is one narrow row a subject, however often that is told of. What is sent once more lowers no mark.
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

# What is there already stays as it is: two operators at once put it there once.
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
"""The subject before all others."""


@dataclass(frozen=True, slots=True)
class Claimed:
    """One event message that this relay has claimed, as CloudEvents JSON."""

    subject: UUID
    sequence: int
    type: str
    tenant: str
    body: bytes

    @property
    def name(self) -> tuple[UUID, int]:
        """Return what names it: its subject and number."""
        return self.subject, self.sequence


@dataclass(frozen=True, slots=True)
class Unsent:
    """What the outbox holds: how many event messages, and the age of the oldest in seconds."""

    count: int
    age_seconds: float


def add_events(
    connection: Connection, events: Sequence[EventRow], max_event_bytes: int = MAX_EVENT_BYTES
) -> None:
    """Write event messages, each at most so large, and that they are to be sent."""
    if not events:
        return
    events = [_bounded(event, max_event_bytes) for event in events]
    copy_rows(connection, tables.event_messages, EventRow._fields, events)
    copy_rows(
        connection,
        tables.outbox,
        ("subject", "sequence", "created_at", "bytes"),
        [(event.subject, event.sequence, event.created_at, size(event.data)) for event in events],
    )


def _bounded(event: EventRow, max_event_bytes: int) -> EventRow:
    data = event_data(event.data, max_event_bytes)
    return event if data is event.data else event._replace(data=data)


def claim_unsent(
    connection: Connection,
    *,
    after: UUID,
    limit: int,
    max_bytes: int = 4 * MAX_EVENT_BYTES,
    max_event_bytes: int = MAX_EVENT_BYTES,
    but_types: Collection[str] = (),
    public_url: str | None = None,
) -> list[Claimed]:
    """Lock and return event messages not yet sent, in the order of subjects, and of each in its own.

    They are `limit` at most, and have `max_bytes` of data together; but a single one is returned whatever its
    size. Those of some types may be left where they are. A relay that goes on after the last subject it has
    claimed does not read its own leavings again. What was written when larger ones were allowed is shortened
    to `max_event_bytes`.
    """
    parameters = {"after": after, "limit": limit, "max_bytes": max_bytes, "but_types": list(but_types)}
    return [
        _claimed(row, event_data(row.data, max_event_bytes), public_url)
        for row in connection.execute(_CLAIM, parameters)
    ]


def _claimed(row: Any, data: str, public_url: str | None) -> Claimed:
    body = cloud_event(
        event_id=f"{row.subject}/{row.sequence}",
        event_type=row.type,
        tenant=row.tenant,
        subject=str(row.subject),
        sequence=row.sequence,
        time=row.created_at,
        data=data.encode(),
        dataref=data_uri(row.type, str(row.subject), public_url) if is_shorter(data) else None,
    )
    return Claimed(row.subject, row.sequence, row.type, row.tenant, body)


def mark_sent(connection: Connection, messages: Sequence[Claimed]) -> None:
    """Take messages out of the outbox, and mark up to where their subjects are told of.

    The broker has confirmed them, or they were set aside as dead letters.
    """
    connection.execute(
        _MARK_SENT,
        {
            "subjects": array(message.subject for message in messages),
            "sequences": array(message.sequence for message in messages),
        },
    )


def send_again(connection: Connection, subject: UUID, sequence: int) -> bool:
    """Put an event message into the outbox once more; say whether there is one of this subject and number."""
    found = connection.execute(_SEND_AGAIN, {"subject": subject, "sequence": sequence})
    return bool(found.rowcount)


def unsent(connection: Connection) -> Unsent:
    """Return how much the outbox holds, and since when: one read of a narrow table."""
    row = connection.execute(_UNSENT).one()
    return Unsent(row.messages, max(float(row.age), 0.0))
