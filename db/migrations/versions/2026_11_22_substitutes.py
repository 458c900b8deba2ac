"""Which orders replace an order."""

from pathlib import Path

from alembic import op

revision = "2026_11_22_substitutes"
down_revision = "2026_11_22_acme"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(Path(__file__).with_suffix(".sql").read_text())
