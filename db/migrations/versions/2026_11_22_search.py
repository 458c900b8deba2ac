"""Searching orders by the buyer's name and e-mail address; changes of the last moments are found fast."""

from pathlib import Path

from alembic import op

revision = "2026_11_22_search"
down_revision = "2026_11_22_dialects"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(Path(__file__).with_suffix(".sql").read_text())
