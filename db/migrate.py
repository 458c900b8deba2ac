"""Bring the database to the newest schema."""

from functools import cache
from pathlib import Path
from typing import Final

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, text

# Two migrations at once would both create the same tables; the second waits here for the first.
_LOCK_KEY: Final = 0x77696C6C63616C6C


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).with_name("migrations")))
    return config


@cache
def _scripts() -> ScriptDirectory:
    return ScriptDirectory.from_config(_config())


def is_known(revision: str) -> bool:
    """Say whether this program has a migration of that name: it is not a newer program's."""
    return any(script.revision == revision for script in _scripts().walk_revisions())


def newest_revision() -> str:
    """Return the name of the newest migration that this program has."""
    head = _scripts().get_current_head()
    assert head is not None  # noqa: S101 - there is a first migration
    return head


def current_revision(connection: Connection) -> str | None:
    """Return the name of the newest migration that the database has, or None for an empty one."""
    return MigrationContext.configure(connection).get_current_revision()


def upgrade(engine: Engine) -> tuple[str | None, str]:
    """Run what migrations are missing; return the revision before and after."""
    with engine.connect() as guard, engine.connect() as connection:
        # A lock that ends with its transaction: behind a pooler the session is somebody else's after it.
        guard.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK_KEY})
        before = current_revision(connection)
        connection.rollback()
        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        connection.commit()
    return before, newest_revision()
