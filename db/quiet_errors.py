"""Errors of the database that quote nothing: no statement, no parameter, no row, and so no buyer.

An error's text ends in logs, dead letters, task events and terminals. It is cut where it comes into being,
so that nobody who passes it on has to think of it. What is left tells what happened and to which table.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import psycopg
from sqlalchemy import Engine, event
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.exc import StatementError

_QUOTING: Final = ("22", "P0", "XX")
"""Classes whose sentences quote values (PostgreSQL, appendix A): data, PL/pgSQL's own, internal errors."""


def keep_errors_quiet(engine: Engine) -> None:
    """Have all errors of the engine's connections quote nothing."""
    event.listen(engine, "handle_error", _quieten_both)


@contextmanager
def quiet_errors() -> Iterator[None]:
    """Have errors of the driver quote nothing, where SQLAlchemy is not between: COPY."""
    try:
        yield
    except psycopg.Error as error:
        quieten(error)
        raise


def quieten(error: psycopg.Error) -> None:
    """Leave of the error's text what `sentence` says; its SQLSTATE and its diagnosis stay."""
    error.args = (sentence(error),)


def sentence(error: psycopg.Error) -> str:
    """Return the error in one line, with the names of what it is about, and without any value."""
    code, diagnosis = error.sqlstate, error.diag
    words = diagnosis.message_primary or " ".join(str(error).split()) or type(error).__name__
    if code is not None and code.startswith(_QUOTING):
        words = words.partition('"')[0].rstrip(" :") if code.startswith("22") else type(error).__name__
    about = (
        f"{what} {name}"
        for what, name in (
            ("table", diagnosis.table_name),
            ("column", diagnosis.column_name),
            ("constraint", diagnosis.constraint_name),
        )
        if name and name not in words
    )
    return ", ".join([words, *about])


def _quieten_both(context: ExceptionContext) -> None:
    original, wrapped = context.original_exception, context.sqlalchemy_exception
    name = f"{type(original).__module__}.{type(original).__name__}"
    if isinstance(original, psycopg.Error):
        quieten(original)
        name += f": {original}"
    if isinstance(wrapped, StatementError):
        # What is no error of the driver came up while a value was made ready, and may quote it.
        wrapped.args = (name,)
        wrapped.statement = wrapped.params = None
