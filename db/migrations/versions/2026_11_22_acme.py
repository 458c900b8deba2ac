"""Orders of a customer by the phone number, and by the names that ACME's clients have for visitors."""

from pathlib import Path

from alembic import op

revision = "2026_11_22_acme"
down_revision = "2026_11_22_search"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(Path(__file__).with_suffix(".sql").read_text())
