"""All tables, in the order of `db.tables`: the catalogue, orders, messages.

It stands for the migrations before the first release, and has the name of the last of them: a database that
they made has this schema, and is left alone.
"""

from pathlib import Path

from alembic import op

revision = "2026_11_26_key_uses"
down_revision = None
branch_labels = None
depends_on = None

_FOLDER = Path(__file__).with_suffix("")


def upgrade() -> None:
    for name in ("catalogue", "orders", "messages"):
        op.execute((_FOLDER / f"{name}.sql").read_text())
