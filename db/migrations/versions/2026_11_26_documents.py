"""Documents that are made once, by processes of their own, and kept for a while."""

from pathlib import Path

from alembic import op

revision = "2026_11_26_documents"
down_revision = "2026_11_26_sealed_secrets"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(Path(__file__).with_suffix(".sql").read_text())
