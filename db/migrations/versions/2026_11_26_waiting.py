"""Requests that wait have a tenant, and say for what they wait."""

from pathlib import Path

from alembic import op

revision = "2026_11_26_waiting"
down_revision = "2026_11_26_event_sizes"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(Path(__file__).with_suffix(".sql").read_text())
