"""The trace of the batch that made an event message, until the event message is sent."""

from alembic import op

revision = "2026_11_27_traces_of_events"
down_revision = "2026_11_27_scheduled_jobs"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Without a default: no row is written, and workers of the version before leave it out.
    op.execute("ALTER TABLE outbox ADD COLUMN traceparent text")
