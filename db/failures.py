"""Whose fault a failure of the database is, by its SQLSTATE (PostgreSQL, appendix A)."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

import psycopg
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from db.quiet_errors import sentence
from worker.runtime.secret_key import SecretKeyMissing

_SILENT: Final = "the database does not answer: "


class Fault(StrEnum):
    """Whose fault it is, and hence what is to be done."""

    SYSTEM = "system"
    """The database cannot take anything now: wait, and try the same again."""
    SIZE = "size"
    """It was too much for the database as it is now: try the halves; what is alone waits."""
    STATEMENT = "statement"
    """What was asked failed: of several, halves tell whose it was."""


BY_SQLSTATE: Final[Mapping[str, Fault]] = {
    "08": Fault.SYSTEM,  # connection exception
    "0A": Fault.SYSTEM,  # feature not supported: a plan from before a migration, an old server
    "0L": Fault.SYSTEM,  # invalid grantor
    "0P": Fault.SYSTEM,  # invalid role
    "25006": Fault.SYSTEM,  # read-only transaction: a standby, or an operator's setting
    "25P03": Fault.SIZE,  # idle in transaction for too long: stopped, or too large a batch
    "25P04": Fault.SYSTEM,  # transaction timeout
    "26": Fault.SYSTEM,  # no such prepared statement: a pooler gave us another connection
    "28": Fault.SYSTEM,  # invalid authorization: password, pg_hba.conf
    "3D": Fault.SYSTEM,  # no such database
    "3F": Fault.SYSTEM,  # no such schema
    "40": Fault.SYSTEM,  # transaction rollback: deadlock, serialization
    "42501": Fault.SYSTEM,  # insufficient privilege
    "53": Fault.SYSTEM,  # insufficient resources: disk full, too many connections
    "53200": Fault.SIZE,  # out of memory
    "53400": Fault.SIZE,  # configuration limit exceeded
    "55006": Fault.SYSTEM,  # object in use
    "55P03": Fault.SYSTEM,  # lock not available within lock_timeout
    "57": Fault.SYSTEM,  # operator intervention: shutdown, recovery
    "57014": Fault.SIZE,  # query cancelled: statement_timeout, or an operator
    "58": Fault.SYSTEM,  # system error: input and output
    "72": Fault.SYSTEM,  # snapshot too old
    "F0": Fault.SYSTEM,  # configuration file
}
"""A code, or its class of two letters where the code is not here. All others: the statement's."""


def fault_of(error: BaseException) -> Fault:
    """Return whose fault the error is; what did not come from the database is the statement's."""
    if isinstance(error, PoolTimeout | SecretKeyMissing):
        return Fault.SYSTEM
    cause = _cause(error)
    if not isinstance(cause, psycopg.Error):
        return Fault.STATEMENT
    code = cause.sqlstate
    if code is None:  # the driver's own: no connection, or a value that it cannot send
        is_away = isinstance(cause, psycopg.OperationalError | psycopg.InterfaceError)
        return Fault.SYSTEM if is_away else Fault.STATEMENT
    return BY_SQLSTATE.get(code) or BY_SQLSTATE.get(code[:2], Fault.STATEMENT)


def is_of_schema(error: BaseException) -> bool:
    """Say whether a table, a column or a function is not there: the schema is not this program's."""
    code = sqlstate_of(error)
    return code is not None and code.startswith("42") and code != "42501"


def sqlstate_of(error: BaseException) -> str | None:
    """Return the code that the server gave, None for the driver's own errors and all others."""
    code: str | None = getattr(_cause(error), "sqlstate", None)
    return code


def describe(error: BaseException) -> str:
    """Return the error in a line for logs: its SQLSTATE and the server's own words, without any values."""
    cause = _cause(error)
    if not isinstance(cause, psycopg.Error):
        return f"{type(error).__name__}: {error}"[:500]
    code = f"{cause.sqlstate}: " if cause.sqlstate else ""
    return f"{_SILENT if is_silent(error) else ''}{code}{sentence(cause)}"[:500]


def is_silent(error: BaseException) -> bool:
    """Say whether the server was not reached, or ended the connection."""
    code = sqlstate_of(error)
    return code is None or code.startswith(("08", "57P"))


def _cause(error: BaseException) -> BaseException | None:
    # COPY's errors come from the driver, all others through SQLAlchemy.
    return error.orig if isinstance(error, DBAPIError) else error
