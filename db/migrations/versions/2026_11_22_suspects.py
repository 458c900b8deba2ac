"""Messages that may end their worker."""

from pathlib import Path

from alembic import op

revision = "2026_11_22_suspects"
down_revision = "2026_11_22_first_tables"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(Path(__file__).with_suffix(".sql").read_text())
