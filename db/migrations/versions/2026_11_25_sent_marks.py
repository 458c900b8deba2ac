"""What the relay has sent is marked: a row that the outbox lost can be told from one that was sent."""

from pathlib import Path

from alembic import op

revision = "2026_11_25_sent_marks"
down_revision = "2026_11_25_money"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(Path(__file__).with_suffix(".sql").read_text())
