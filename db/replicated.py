"""Commits that are certain to have reached the synchronous standbys.

PostgreSQL waits for its synchronous standbys after it has committed. An operator or a `statement_timeout` can
cancel that wait: then COMMIT succeeds with a warning (PostgreSQL, "Synchronous Replication"), and its changes
are lost if a standby without them is promoted. This module waits again after such a warning.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import psycopg
from sqlalchemy import Connection, Engine, text

from db.bulk import driver_connection

log = logging.getLogger(__name__)

_WAIT_CANCELLED: Final = "01000"  # a warning without a class of its own; COMMIT gives no other

# A transaction without changes does not wait. The write-ahead log reaches a standby in order: one that has
# this message has everything that was committed before.
_WAIT: Final = text("SELECT pg_logical_emit_message(true, 'willcall', '')")


@contextmanager
def begin(engine: Engine) -> Iterator[Connection]:
    """Open a transaction; when the block ends, all synchronous standbys have it."""
    warnings: list[str] = []

    def listen(notice: psycopg.errors.Diagnostic) -> None:
        if notice.sqlstate == _WAIT_CANCELLED:
            warnings.append(notice.message_primary or "")

    with engine.connect() as connection:
        driver = driver_connection(connection)
        driver.add_notice_handler(listen)
        try:
            with connection.begin():
                yield connection
                warnings.clear()  # ignore the warnings of triggers
            while warnings:
                log.warning("the wait for the standby was cancelled; waiting again")
                with connection.begin():
                    wait_for_earlier_commits(connection)
                    warnings.clear()
        finally:
            driver.remove_notice_handler(listen)


def wait_for_earlier_commits(connection: Connection) -> None:
    """Make this transaction's commit wait for the standby, even if it changes nothing.

    A repeated request may be committed and not on the standby: its worker may have died while it waited.
    """
    connection.execute(_WAIT)
