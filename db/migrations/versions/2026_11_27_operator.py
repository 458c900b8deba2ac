"""What the operator's page looks for: outcomes by their time, and orders by their reference."""

from alembic import op

revision = "2026_11_27_operator"
down_revision = "2026_11_26_key_uses"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        "CREATE INDEX requests_processed_at_idx ON requests"
        " USING brin (processed_at) WITH (autosummarize = on)"
    )
    op.execute(
        "CREATE INDEX orders_reference ON orders (tenant_id, reference, id) WHERE reference IS NOT NULL"
    )
