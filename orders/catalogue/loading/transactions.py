"""The transactions of a load: short ones, and one that makes other loads of the tenant wait."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import psycopg
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError

# The seed separates it from other advisory locks: "catalog".
_ALONE: Final = text("SELECT pg_advisory_xact_lock(hashtextextended(:tenant, 27978391236013415))")

# The transaction that makes others wait is idle for the whole load.
_STAY: Final = text("SET LOCAL idle_in_transaction_session_timeout = 0")

# A page of names is looked up by index, even if new tables have no statistics yet.
_BY_KEY: Final = text("SET LOCAL enable_seqscan = off")

# Less than PostgreSQL's deadlock_timeout (one second): the load always gives way.
_GIVE_WAY: Final = text("SET LOCAL lock_timeout = '250ms'")


class Overtaken(Exception):
    """Another transaction is creating an object of the file: compare again."""


@contextmanager
def short(engine: Engine) -> Iterator[Connection]:
    """Open a transaction for one page."""
    with engine.begin() as connection:
        connection.execute(_BY_KEY)
        yield connection


@contextmanager
def inserting(engine: Engine) -> Iterator[Connection]:
    """Open a transaction that only inserts. Raises `Overtaken`.

    No other transaction waits for its locks, unless a purchase creates a ticket class of the same name.
    """
    try:
        with short(engine) as connection:
            connection.execute(_GIVE_WAY)
            yield connection
    except (DBAPIError, psycopg.Error) as error:
        cause = error.orig if isinstance(error, DBAPIError) else error  # errors of COPY come from the driver
        if isinstance(cause, psycopg.errors.UniqueViolation | psycopg.errors.LockNotAvailable):
            raise Overtaken from error
        raise


@contextmanager
def alone(engine: Engine, tenant: str) -> Iterator[None]:
    """Wait until no other load of the tenant runs, and make others wait until the block ends.

    The lock ends with its transaction: behind a pool that assigns connections per transaction, a session lock
    would stay with the next user of the connection. The transaction has no snapshot, so it does not block
    vacuum. If its connection is lost, unique keys and the order of locks still protect the data.
    """
    with engine.begin() as guard:
        guard.execute(_STAY)
        guard.execute(_ALONE, {"tenant": tenant})
        yield
