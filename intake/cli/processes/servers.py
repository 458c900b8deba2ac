"""The database and the broker for commands: real servers, or embedded ones that run during the command."""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING
from uuid import UUID

from intake.cli.failures import CommandFailed
from worker.runtime import embedded
from worker.runtime.settings import Settings, get_settings

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

_UNDEFINED = ("42P01", "42703")  # table, column (PostgreSQL, appendix A)


@contextmanager
def servers(*, database: bool = False, broker: bool = False) -> Iterator[Settings]:
    """Run the needed embedded servers, except those replaced by a URL."""
    settings = get_settings()
    postgres = database and settings.database_url is None
    valkey = broker and settings.broker_url is None
    needed = postgres or valkey
    with embedded.running(settings.home, postgres=postgres, valkey=valkey) if needed else nullcontext():
        yield settings


@contextmanager
def engine() -> Iterator["Engine"]:
    """Open the database for a command. Raises `CommandFailed` with advice for one without our schema."""
    from sqlalchemy.exc import ProgrammingError

    from db.engine import make_engine

    with servers(database=True) as settings:
        opened = make_engine(settings.database(), pool_size=2)
        try:
            yield opened
        except ProgrammingError as error:
            if getattr(error.orig, "sqlstate", None) in _UNDEFINED and not _has_newest_schema(opened):
                raise CommandFailed(
                    "the database schema is older than this version: run `willcall migrate`"
                ) from error
            raise
        finally:
            opened.dispose()


def _has_newest_schema(opened: "Engine") -> bool:
    from db.revisions import current_revision, newest_revision

    with opened.connect() as connection:
        return current_revision(connection) == newest_revision()


@contextmanager
def transaction() -> Iterator["Connection"]:
    """Open the database for one transaction, committed at the end."""
    with engine() as opened, opened.begin() as connection:
        yield connection


def check_secrets(settings: Settings) -> None:
    """Raise `SecretKeyUnusable` for a secret key that is missing or is not the database's.

    A database that does not answer yet is not checked: processes that need its secrets wait for it.
    """
    from sqlalchemy.exc import SQLAlchemyError

    from db.engine import make_engine
    from db.sealed_rows import check_key
    from db.sealing import keyring

    keyring()
    opened = make_engine(settings.database(), pool_size=1)
    try:
        with opened.connect() as connection:
            check_key(connection)
    except SQLAlchemyError:
        return
    finally:
        opened.dispose()


def tenant_id(connection: "Connection", name: str) -> UUID:
    """Return the tenant's id. Raises `CommandFailed` for an unknown name."""
    from orders.reading.order_reading import find_tenant

    found = find_tenant(connection, name)
    if found is None:
        raise CommandFailed(f"there is no tenant {name}: load its catalogue first, `willcall catalog load`")
    return found


def parse_id(text: str, what: str) -> UUID:
    """Return the id in the text. Raises `CommandFailed` if it is not a UUID."""
    try:
        return UUID(text)
    except ValueError as error:
        raise CommandFailed(f"{text} is not the id of {what}: use a UUID") from error


def server_urls(settings: "Settings") -> dict[str, str]:
    """Return the environment that names the servers, so that children do not start their own."""
    return {"WILLCALL_DATABASE_URL": settings.database(), "WILLCALL_BROKER_URL": settings.broker()}
