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

BEFORE_THE_FIRST_RELEASE: Final = frozenset({
    "2026_11_22_first_tables",
    "2026_11_22_suspects",
    "2026_11_22_order_life",
    "2026_11_22_trade",
    "2026_11_22_dialects",
    "2026_11_22_search",
    "2026_11_22_acme",
    "2026_11_22_substitutes",
    "2026_11_25_terms",
    "2026_11_25_money",
    "2026_11_25_sent_marks",
    "2026_11_26_seats_that_go",
    "2026_11_26_event_sizes",
    "2026_11_26_waiting",
    "2026_11_26_scopes",
    "2026_11_26_sealed_secrets",
    "2026_11_26_documents",
})  # fmt: skip
"""Migrations that this program has no more: the first one that it has makes what they made, and one more."""

_REVISION: Final = re.compile(r'^revision(?:: str)? = "(\w+)"$', re.MULTILINE)
_BEFORE: Final = re.compile(r'^down_revision\b.* = (?:None|"(\w+)")$', re.MULTILINE)

_HAS_ONE: Final = text("SELECT to_regclass('alembic_version') IS NOT NULL")
_CURRENT: Final = text("SELECT version_num FROM alembic_version")


class SchemaTooOld(Exception):
    """No migration of this program starts at the database's schema."""


def too_old(revision: str | None) -> str | None:
    """Return why a database of this schema cannot be migrated by this program, as a sentence, or None."""
    if revision not in BEFORE_THE_FIRST_RELEASE:
        return None
    return (
        f"the database's schema is {revision}, from before the first release: migrate it to"
        f" {_first_revision()} with the version that docs/operations.md names (Restarts and upgrades)"
    )


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


def _first_revision() -> str:
    (first,) = (revision for revision, before in _revisions().items() if before is None)
    return first


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
