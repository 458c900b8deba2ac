"""This version with one migration more."""

import shutil
import tomllib
from pathlib import Path
from typing import Final

from db.revisions import newest_revision
from tests.processes import ROOT

NEXT_REVISION: Final = f"{newest_revision()}_next"

_PROJECT: Final = tomllib.loads((ROOT / "pyproject.toml").read_text())
_PACKAGES: Final = _PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]

# It adds and fills, as a migration does that processes of the version before live with.
_MIGRATION: Final = f"""
from alembic import op

revision = "{NEXT_REVISION}"
down_revision = "{newest_revision()}"


def upgrade() -> None:
    op.execute("ALTER TABLE orders ADD COLUMN sold_on date")
    op.execute("UPDATE orders SET sold_on = created_at")
"""


def make_next_version(folder: Path) -> Path:
    """Return a directory with the code."""
    code = folder / "next"
    for name in _PACKAGES:
        shutil.copytree(ROOT / name, code / name, ignore=shutil.ignore_patterns("__pycache__"))
    (code / "db/migrations/versions/next.py").write_text(_MIGRATION)
    return code
