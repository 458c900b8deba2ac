"""What became of each run of a scheduled job, and discrepancies that are the system's and no tenant's."""

from alembic import op

revision = "2026_11_27_scheduled_jobs"
down_revision = "2026_11_27_operator"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        "ALTER TABLE ticks ADD COLUMN finished_at timestamptz, ADD COLUMN count bigint, ADD COLUMN error text"
    )
    op.execute("ALTER TABLE discrepancies ALTER COLUMN tenant_id DROP NOT NULL")
