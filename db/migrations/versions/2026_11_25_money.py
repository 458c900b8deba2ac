"""Promo codes in any spelling, which give their uses back; a time of sale; e-mail addresses without case."""

from pathlib import Path

from alembic import op
from sqlalchemy import text

from schemas.catalogue import promo_code_key

revision = "2026_11_25_money"
down_revision = "2026_11_25_terms"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(Path(__file__).with_suffix(".sql").read_text())
    # PostgreSQL's lower() knows letter case as its locale does; the path of a batch asks with Python's.
    connection = op.get_bind()
    rows = connection.execute(text("SELECT id, code FROM promo_codes WHERE code ~ '[^[:ascii:]]'")).all()
    for row in rows:
        connection.execute(
            text("UPDATE promo_codes SET key = :key WHERE id = :id"),
            {"key": promo_code_key(row.code), "id": row.id},
        )
