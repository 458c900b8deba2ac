"""Which schema a database has, and which one this program needs.

Alembic knows as well, but takes ten megabytes and a third of a second of every process that asks.
"""

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Final

from sqlalchemy import Connection, text

MIGRATIONS: Final = Path(__file__).with_name("migrations")

_REVISION: Final = re.compile(r'^revision(?:: str)? = "(\w+)"$', re.MULTILINE)
_BEFORE: Final = re.compile(r'^down_revision\b.* = (?:None|"(\w+)")$', re.MULTILINE)

_HAS_ONE: Final = text("SELECT to_regclass('alembic_version') IS NOT NULL")
_CURRENT: Final = text("SELECT version_num FROM alembic_version")


def is_known(revision: str) -> bool:
    """Say whether this program has a migration of that name: it is not a newer program's."""
    return revision in _revisions()


@cache
def newest_revision() -> str:
    """Return the name of the newest migration that this program has."""
    revisions = _revisions()
    (newest,) = revisions.keys() - revisions.values()
    return newest


def current_revision(connection: Connection) -> str | None:
    """Return the name of the newest migration that the database has, or None for an empty one."""
    if not connection.scalar(_HAS_ONE):
        return None
    found: str | None = connection.scalar(_CURRENT)
    return found


@cache
def _revisions() -> Mapping[str, str | None]:
    """Return the migrations, each with the one before it."""
    found = {}
    for path in MIGRATIONS.glob("versions/*.py"):
        words = path.read_text()
        revision, before = _REVISION.search(words), _BEFORE.search(words)
        if revision is None or before is None:
            raise ValueError(f"{path.name} does not say which migration it is")
        found[revision[1]] = before[1]
    return found
