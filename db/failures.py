"""Classifying failures of the database by their SQLSTATE (PostgreSQL, appendix A)."""

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
    """The cause of a failure, and so what to do."""

    SYSTEM = "system"
    """The database cannot take work now: wait, and retry."""
    SIZE = "size"
    """The batch was too much for the database: retry its halves; a single request waits."""
    STATEMENT = "statement"
    """A request of the batch failed: halve the batch until it is alone."""


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
"""The fault by code, or by its class of two letters for codes that are not listed. All others: STATEMENT."""


def fault_of(error: BaseException) -> Fault:
    """Return the fault of the error; an error that is not the database's is `STATEMENT`."""
    if isinstance(error, PoolTimeout | SecretKeyMissing):
        return Fault.SYSTEM
    cause = _cause(error)
    if not isinstance(cause, psycopg.Error):
        return Fault.STATEMENT
    code = cause.sqlstate
    if code is None:  # the driver's own error: no connection, or a value that it cannot send
        is_away = isinstance(cause, psycopg.OperationalError | psycopg.InterfaceError)
        return Fault.SYSTEM if is_away else Fault.STATEMENT
    return BY_SQLSTATE.get(code) or BY_SQLSTATE.get(code[:2], Fault.STATEMENT)


def is_schema_error(error: BaseException) -> bool:
    """Tell whether a table, a column or a function is missing: the schema is another version's."""
    code = sqlstate_of(error)
    return code is not None and code.startswith("42") and code != "42501"


def sqlstate_of(error: BaseException) -> str | None:
    """Return the server's code, or None for the driver's own errors and all others."""
    code: str | None = getattr(_cause(error), "sqlstate", None)
    return code


def describe(error: BaseException) -> str:
    """Return the error in a line for logs: its SQLSTATE and the server's message, without any values."""
    cause = _cause(error)
    if not isinstance(cause, psycopg.Error):
        return f"{type(error).__name__}: {error}"[:500]
    code = f"{cause.sqlstate}: " if cause.sqlstate else ""
    return f"{_SILENT if is_silent(error) else ''}{code}{sentence(cause)}"[:500]


def is_silent(error: BaseException) -> bool:
    """Tell whether the server could not be reached, or ended the connection."""
    code = sqlstate_of(error)
    return code is None or code.startswith(("08", "57P"))


def _cause(error: BaseException) -> BaseException | None:
    # COPY's errors come from the driver, all others through SQLAlchemy.
    return error.orig if isinstance(error, DBAPIError) else error
