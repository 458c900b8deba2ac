"""API keys may expire, and say when each was last used."""

from alembic import op

revision = "2026_11_26_key_uses"
down_revision = "2026_11_26_documents"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Without a default: the rows stay as they are.
    op.execute("ALTER TABLE api_keys ADD COLUMN expires_at timestamptz, ADD COLUMN last_used_at timestamptz")
