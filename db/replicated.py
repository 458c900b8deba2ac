"""Commits that wait for a standby, and are known to have reached it.

PostgreSQL waits for its synchronous standbys after it has committed. An operator or a `statement_timeout` can
cancel that wait: then COMMIT succeeds with a warning (PostgreSQL, "Synchronous Replication"), and what it
wrote is lost if the standby takes over before it has it. Here the wait is taken up again.
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

# A transaction that writes nothing waits for nobody. The write-ahead log comes to a standby in its order: one
# that has this message has all that was committed before.
_WAIT: Final = text("SELECT pg_logical_emit_message(true, 'willcall', '')")


@contextmanager
def begin(engine: Engine) -> Iterator[Connection]:
    """Open a transaction; when it is over, all standbys that a commit is to wait for have it."""
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
                warnings.clear()  # a trigger's are no concern of ours
            while warnings:
                log.warning("the wait for the standby was cancelled, and is taken up again")
                with connection.begin():
                    wait_for_earlier_commits(connection)
                    warnings.clear()
        finally:
            driver.remove_notice_handler(listen)


def wait_for_earlier_commits(connection: Connection) -> None:
    """Have this transaction's commit wait for the standby, although it may write nothing itself.

    What is asked for again may be committed and not be there yet: whoever asked first died while it waited.
    """
    connection.execute(_WAIT)
