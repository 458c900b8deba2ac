"""The transactions of a load: short ones, and one beside them that keeps the tenant's other loads waiting."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import psycopg
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError

# Of its own kind, so that no other advisory lock has the same number: "catalog".
_ALONE: Final = text("SELECT pg_advisory_xact_lock(hashtextextended(:tenant, 27978391236013415))")

# The one that keeps others waiting is idle for as long as the load takes.
_STAY: Final = text("SET LOCAL idle_in_transaction_session_timeout = 0")

# A page of names is looked up by them, also where the tables are too new for statistics.
_BY_KEY: Final = text("SET LOCAL enable_seqscan = off")

# Less than PostgreSQL waits before it looks for a deadlock (one second): the load is always who gives way.
_GIVE_WAY: Final = text("SET LOCAL lock_timeout = '250ms'")


class Overtaken(Exception):
    """Somebody else makes what the file names at this very moment: compare again."""


@contextmanager
def short(engine: Engine) -> Iterator[Connection]:
    """Open a transaction for one page."""
    with engine.begin() as connection:
        connection.execute(_BY_KEY)
        yield connection


@contextmanager
def inserting(engine: Engine) -> Iterator[Connection]:
    """Open a transaction that only inserts. Raises `Overtaken`.

    It holds no lock that anybody knows to wait for, unless a purchase makes a ticket class of the same name.
    """
    try:
        with short(engine) as connection:
            connection.execute(_GIVE_WAY)
            yield connection
    except (DBAPIError, psycopg.Error) as error:
        cause = error.orig if isinstance(error, DBAPIError) else error  # COPY's errors come from the driver
        if isinstance(cause, psycopg.errors.UniqueViolation | psycopg.errors.LockNotAvailable):
            raise Overtaken from error
        raise


@contextmanager
def alone(engine: Engine, tenant: str) -> Iterator[None]:
    """Wait until no other load of the tenant runs, and keep others waiting until the block ends.

    By a lock that ends with its transaction: behind a pool that hands out connections for one transaction, a
    lock of the session would stay with whoever gets the connection next. That transaction has no snapshot, so
    it keeps nothing from being vacuumed. If its connection is lost, keys are still unique, locks in order.
    """
    with engine.begin() as guard:
        guard.execute(_STAY)
        guard.execute(_ALONE, {"tenant": tenant})
        yield
