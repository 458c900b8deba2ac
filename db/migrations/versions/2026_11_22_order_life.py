"""What becomes of an order after its creation, and holds."""

from pathlib import Path

from alembic import op

revision = "2026_11_22_order_life"
down_revision = "2026_11_22_suspects"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(Path(__file__).with_suffix(".sql").read_text())
