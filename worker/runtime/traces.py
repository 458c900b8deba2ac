"""Stack traces without quoted data: types and places of errors, and the texts of servers' errors only.

An exception's text may quote data: a `KeyError` the key, a validation error the input, and so a buyer. So the
text is shown only if it is known to quote nothing.
"""

import traceback
from collections.abc import Iterator
from typing import Final

import amqp.exceptions
import kombu.exceptions
import psycopg
import redis
from sqlalchemy.exc import StatementError
from sqlalchemy.exc import TimeoutError as PoolTimeout

_FRAMES: Final = 20
"""The last frames of each error are shown: earlier ones are the same for all."""

FRAME: Final = "  File "
"""The prefix of a frame's line."""

_LONGEST_TEXT: Final = 500  # characters

# Errors of the database are redacted where they are raised: `db.quiet_errors`.
_SERVER_ERRORS: Final = (
    OSError,
    psycopg.Error,
    StatementError,
    PoolTimeout,
    redis.RedisError,
    amqp.exceptions.AMQPError,
    kombu.exceptions.OperationalError,
)
_OWN_PACKAGES: Final = ("worker.", "tasks.", "db.")
"""Packages whose errors are about servers; those of the others are about requests."""


def trace_of(error: BaseException) -> str:
    """Return the error and its causes, oldest first, each with its frames, without lines of source code."""
    return "\n".join(_lines(error, set()))


def name_of(error: BaseException) -> str:
    """Return the error's type, with its text if that quotes nothing."""
    kind = type(error)
    name = kind.__name__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__name__}"
    speaks_of_servers = isinstance(error, _SERVER_ERRORS) or kind.__module__.startswith(_OWN_PACKAGES)
    text = " ".join(str(error).split())[:_LONGEST_TEXT] if speaks_of_servers else ""
    return f"{name}: {text}" if text else name


def _lines(error: BaseException, seen: set[int]) -> Iterator[str]:
    seen.add(id(error))
    before = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if before is not None and id(before) not in seen:
        yield from _lines(before, seen)
        yield "which led to:"
    yield "Traceback (most recent call last):"
    # Without lines of code, which may contain statements.
    for frame, line in list(traceback.walk_tb(error.__traceback__))[-_FRAMES:]:
        code = frame.f_code
        yield f'{FRAME}"{code.co_filename}", line {line}, in {code.co_name}'
    yield name_of(error)
    if isinstance(error, BaseExceptionGroup):
        for one in error.exceptions:
            yield from _lines(one, seen)
