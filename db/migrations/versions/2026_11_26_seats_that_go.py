"""A seat that was once sold can go: it keeps its row and loses its position."""

from pathlib import Path

from alembic import op

revision = "2026_11_26_seats_that_go"
down_revision = "2026_11_25_sent_marks"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(Path(__file__).with_suffix(".sql").read_text())
