"""Removing statements, parameters and rows, and so buyers' data, from the errors of the database.

An error's text ends up in logs, dead letters, task events and terminals. It is redacted where it is raised,
so that no later code has to. The rest of the text says what happened, and to which table.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import psycopg
from sqlalchemy import Engine, event
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.exc import StatementError

_QUOTING: Final = ("22", "P0", "XX")
"""Classes whose messages quote values (PostgreSQL, appendix A): data, PL/pgSQL, internal errors."""


def keep_errors_quiet(engine: Engine) -> None:
    """Redact all errors of the engine's connections."""
    event.listen(engine, "handle_error", _quieten_both)


@contextmanager
def quiet_errors() -> Iterator[None]:
    """Redact errors of the driver where SQLAlchemy is not involved: COPY."""
    try:
        yield
    except psycopg.Error as error:
        quieten(error)
        raise


def quieten(error: psycopg.Error) -> None:
    """Replace the error's text by `sentence`; its SQLSTATE and its diagnosis stay."""
    error.args = (sentence(error),)


def sentence(error: psycopg.Error) -> str:
    """Return the error in one line, with the names of its table, column and constraint, without any value."""
    code, diagnosis = error.sqlstate, error.diag
    message = diagnosis.message_primary or " ".join(str(error).split()) or type(error).__name__
    if code is not None and code.startswith(_QUOTING):
        message = message.partition('"')[0].rstrip(" :") if code.startswith("22") else type(error).__name__
    about = (
        f"{what} {name}"
        for what, name in (
            ("table", diagnosis.table_name),
            ("column", diagnosis.column_name),
            ("constraint", diagnosis.constraint_name),
        )
        if name and name not in message
    )
    return ", ".join([message, *about])


def _quieten_both(context: ExceptionContext) -> None:
    original, wrapped = context.original_exception, context.sqlalchemy_exception
    name = f"{type(original).__module__}.{type(original).__name__}"
    if isinstance(original, psycopg.Error):
        quieten(original)
        name += f": {original}"
    if isinstance(wrapped, StatementError):
        # An error that is not the driver's was raised while a value was adapted, and may quote it.
        wrapped.args = (name,)
        wrapped.statement = wrapped.params = None
