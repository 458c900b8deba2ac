"""Keys with scopes as narrow as jobs: each keeps what it could do."""

from pathlib import Path

from alembic import op

revision = "2026_11_26_scopes"
down_revision = "2026_11_26_waiting"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(Path(__file__).with_suffix(".sql").read_text())
