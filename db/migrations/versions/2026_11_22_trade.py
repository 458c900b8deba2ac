"""Who owns inventory and what it costs; purchase orders, and what belongs to what."""

from pathlib import Path

from alembic import op

revision = "2026_11_22_trade"
down_revision = "2026_11_22_order_life"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(Path(__file__).with_suffix(".sql").read_text())
