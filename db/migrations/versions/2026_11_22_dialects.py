"""What the dialects say and the canonical words do not: of orders, organisations, events, ticket classes."""

from pathlib import Path

from alembic import op

revision = "2026_11_22_dialects"
down_revision = "2026_11_22_trade"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(Path(__file__).with_suffix(".sql").read_text())
