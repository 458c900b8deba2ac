"""Stack traces that quote nothing: where an error happened and of what type, with the words of servers only.

An exception's text may quote what it is about: a `KeyError` the key, a validation error the input, and with
it a buyer. So text is shown only where it is known to quote nothing.
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
"""The last ones of each error: those before are the same for all."""

FRAME: Final = "  File "
"""What the line of a frame begins with."""

_LONGEST_TEXT: Final = 500  # characters

# Errors of the database are cut where they come into being: `db.quiet_errors`.
_OF_SERVERS: Final = (
    OSError,
    psycopg.Error,
    StatementError,
    PoolTimeout,
    redis.RedisError,
    amqp.exceptions.AMQPError,
    kombu.exceptions.OperationalError,
)
_OF_OURS: Final = ("worker.", "tasks.", "db.")
"""Packages whose errors speak of servers; those of the others speak of requests."""


def trace_of(error: BaseException) -> str:
    """Return the error and what caused it, oldest first, each with its frames; no line of source code."""
    return "\n".join(_lines(error, set()))


def name_of(error: BaseException) -> str:
    """Return the error's type, and its text where it quotes nothing."""
    kind = type(error)
    name = kind.__name__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__name__}"
    speaks_of_servers = isinstance(error, _OF_SERVERS) or kind.__module__.startswith(_OF_OURS)
    text = " ".join(str(error).split())[:_LONGEST_TEXT] if speaks_of_servers else ""
    return f"{name}: {text}" if text else name


def _lines(error: BaseException, seen: set[int]) -> Iterator[str]:
    seen.add(id(error))
    before = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if before is not None and id(before) not in seen:
        yield from _lines(before, seen)
        yield "which led to:"
    yield "Traceback (most recent call last):"
    # Without the lines of code: a statement may be written in them.
    for frame, line in list(traceback.walk_tb(error.__traceback__))[-_FRAMES:]:
        code = frame.f_code
        yield f'{FRAME}"{code.co_filename}", line {line}, in {code.co_name}'
    yield name_of(error)
    if isinstance(error, BaseExceptionGroup):
        for one in error.exceptions:
            yield from _lines(one, seen)
