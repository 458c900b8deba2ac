"""The schema revision of a database, and the one that this version needs.

Alembic shows them as well, but costs each process ten megabytes and a third of a second.
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
    """Tell whether this version has a migration of that name; otherwise it is a newer version's."""
    return revision in _revisions()


@cache
def newest_revision() -> str:
    """Return the name of the newest migration of this version."""
    revisions = _revisions()
    (newest,) = revisions.keys() - revisions.values()
    return newest


def current_revision(connection: Connection) -> str | None:
    """Return the name of the database's newest migration, or None for an empty database."""
    if not connection.scalar(_HAS_ONE):
        return None
    found: str | None = connection.scalar(_CURRENT)
    return found


@cache
def _revisions() -> Mapping[str, str | None]:
    """Return the previous migration of each migration."""
    found = {}
    for path in MIGRATIONS.glob("versions/*.py"):
        source = path.read_text()
        revision, before = _REVISION.search(source), _BEFORE.search(source)
        if revision is None or before is None:
            raise ValueError(f"{path.name} lacks its revision or down_revision")
        found[revision[1]] = before[1]
    return found
