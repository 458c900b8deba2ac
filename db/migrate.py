"""Bring the database to the newest schema."""

from typing import Final

from alembic import command
from alembic.config import Config
from sqlalchemy import Engine, text

from db.revisions import MIGRATIONS, current_revision, newest_revision

# Two migrations at once would both create the same tables; the second waits here for the first.
_LOCK_KEY: Final = 0x77696C6C63616C6C


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    return config


def upgrade(engine: Engine) -> tuple[str | None, str]:
    """Run what migrations are missing; return the revision before and after."""
    with engine.connect() as guard, engine.connect() as connection:
        guard.execute(text("SELECT pg_advisory_lock(:key)"), {"key": _LOCK_KEY})
        try:
            before = current_revision(connection)
            connection.rollback()
            config = _config()
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
            connection.commit()
        finally:
            guard.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": _LOCK_KEY})
    return before, newest_revision()
