"""An order keeps the terms that it was sold on, and remembers that it was once paid in full."""

from pathlib import Path

from alembic import op

revision = "2026_11_25_terms"
down_revision = "2026_11_22_substitutes"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(Path(__file__).with_suffix(".sql").read_text())
