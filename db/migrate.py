"""Migrating the database to the newest schema."""

from typing import Final

from alembic import command
from alembic.config import Config
from sqlalchemy import Engine, text

from db.revisions import MIGRATIONS, SchemaTooOld, current_revision, newest_revision, too_old

# Two migrations at once would create the same tables; the second waits here for the first.
_LOCK_KEY: Final = 0x77696C6C63616C6C


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    return config


def upgrade(engine: Engine) -> tuple[str | None, str]:
    """Run the missing migrations; return the revisions before and after.

    Raises `SchemaTooOld`, and changes nothing, where the first migration comes too late.
    """
    with engine.connect() as guard, engine.connect() as connection:
        # A lock of the transaction: behind a pooler, the session is another client's after it.
        guard.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK_KEY})
        before = current_revision(connection)
        connection.rollback()
        if sentence := too_old(before):
            raise SchemaTooOld(sentence)
        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        connection.commit()
    return before, newest_revision()
