"""The tables of messages: requests with their outcomes, event messages, delayed requests, dead letters."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSON

from db.tables.columns import metadata, moment

requests = Table(
    "requests",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("tenant_id", ForeignKey("tenants.id"), nullable=False),
    Column("idempotency_key", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("body_hash", LargeBinary, nullable=False),
    Column("status", Text, nullable=False),
    # No foreign key: the row is inserted before its order, and a deferred check costs a tenth of an order's
    # time. The same transaction writes both, and reconciliation checks it.
    Column("order_id", Uuid),
    Column("errors", JSON),
    moment("processed_at"),
    Column("sent_by", Text),
    UniqueConstraint("tenant_id", "idempotency_key"),
    # Outcomes of the last hours; costs next to nothing.
    Index(None, "processed_at", postgresql_using="brin", postgresql_with={"autosummarize": "on"}),
    CheckConstraint("status IN ('processed', 'rejected')", name="status"),
    CheckConstraint(
        "CASE status WHEN 'processed' THEN order_id IS NOT NULL OR kind <> 'orders.create'"
        " ELSE order_id IS NULL END",
        name="has_outcome",
    ),
)

request_repeats = Table(
    "request_repeats",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("original_id", ForeignKey("requests.id"), nullable=False, index=True),
    Column("is_conflict", Boolean, nullable=False),
    moment("created_at"),
)

event_messages = Table(
    "event_messages",
    metadata,
    Column("subject", Uuid, nullable=False),
    Column("sequence", Integer, nullable=False),
    Column("tenant_id", Uuid, nullable=False),
    Column("type", Text, nullable=False),
    Column("data", JSON, nullable=False),
    moment("created_at"),
    PrimaryKeyConstraint("subject", "sequence"),
)

# The event messages that are not sent yet. A table of its own: deleting a narrow row costs a fraction of
# updating one with a whole order.
outbox = Table(
    "outbox",
    metadata,
    Column("subject", Uuid, nullable=False),
    Column("sequence", Integer, nullable=False),
    moment("created_at"),
    # The size of the data, so that a relay reads no more than it can hold. The default is for manual inserts.
    Column("bytes", Integer, nullable=False, server_default=text("1048576")),
    # The trace context of the batch that made it, if tracing is on. Not in `event_messages`: nobody needs it
    # after the event message is sent.
    Column("traceparent", Text),
    PrimaryKeyConstraint("subject", "sequence"),
)

# The last sent sequence of each subject: an event message that is neither sent nor in the outbox was lost.
sent_marks = Table(
    "sent_marks",
    metadata,
    Column("subject", Uuid, primary_key=True),
    Column("sequence", Integer, nullable=False),
)

delayed_requests = Table(
    "delayed_requests",
    metadata,
    Column("request_id", Uuid, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("request", LargeBinary, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("last_error", Text, nullable=False),
    moment("next_attempt_at"),
    moment("waits_since", nullable=True),  # if it waits for the order that it names
    Column("tenant", Text, nullable=False, server_default=""),
    # What another request of the tenant must create first: `orders.recovery.early_requests`.
    Column("waits_for", Text),
    Index("delayed_requests_new", "tenant", "next_attempt_at", postgresql_where=text("attempts = 0")),
    Index("delayed_requests_tried", "tenant", "next_attempt_at", postgresql_where=text("attempts > 0")),
    Index(None, "tenant", "waits_for", postgresql_where=text("waits_for IS NOT NULL")),
)

suspects = Table(
    "suspects",
    metadata,
    Column("message_id", Text, primary_key=True),
    Column("attempts", Integer, nullable=False),
    moment("last_attempt_at"),
)

dead_letters = Table(
    "dead_letters",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("request_id", Uuid),
    Column("tenant", Text),
    Column("kind", Text, nullable=False),
    Column("message", LargeBinary, nullable=False),
    Column("reason", Text, nullable=False),
    Column("details", Text, nullable=False),
    Column("attempts", Integer, nullable=False),
    moment("created_at"),
    Index(None, "request_id"),
)

discrepancies = Table(
    "discrepancies",
    metadata,
    Column("rule", Text, nullable=False),
    Column("subject", Uuid, nullable=False),
    # None: the system's own, which no tenant sees.
    Column("tenant_id", ForeignKey("tenants.id")),
    Column("detail", Text, nullable=False),
    moment("found_at"),
    moment("last_seen_at"),
    PrimaryKeyConstraint("rule", "subject"),
)

ticks = Table(
    "ticks",
    metadata,
    Column("task", Text, nullable=False),
    Column("tick", BigInteger, nullable=False),
    moment("claimed_at"),
    moment("finished_at", nullable=True),
    Column("count", BigInteger),
    Column("error", Text),
    PrimaryKeyConstraint("task", "tick"),
)

documents = Table(
    "documents",
    metadata,
    # No foreign keys: their locks on orders and tenants would wait for batches, and delay them.
    Column("order_id", Uuid, primary_key=True),
    Column("tenant_id", Uuid, nullable=False),
    Column("tickets", Integer, nullable=False),
    moment("asked_at"),
    Column("tries", Integer, nullable=False, server_default=text("0")),
    moment("made_at", nullable=True),  # NULL while it waits to be rendered
    Column("version", Text),  # of its content; NULL if it could not be rendered
    Column("content", LargeBinary),
    Index(None, "tenant_id", "made_at"),
    Index("documents_waiting", "tenant_id", "asked_at", postgresql_where=text("made_at IS NULL")),
)
