"""The checks of `willcall doctor` on the standby that serves lists."""

import time
from collections.abc import Iterator
from typing import Final

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from db.engine import make_engine
from db.failures import describe
from db.replay import Position, read_identity, read_position
from worker.broker.safety import Finding
from worker.runtime.settings import Settings

_CHECK: Final = "standby"
_LONGEST_SECONDS: Final = 10.0
_PAUSE_SECONDS: Final = 0.05
_INSTEAD: Final = "until then, lists are read from the primary"


def check_standby(settings: Settings, primary: Engine) -> Iterator[Finding]:
    """Check that the standby follows the primary closely; yields nothing if no standby is set."""
    if settings.read_database_url is None:
        return
    engine = make_engine(settings.read_database_url, is_pooled=False)
    try:
        yield _compare(primary, engine, min(settings.read_lag_seconds, _LONGEST_SECONDS))
    except SQLAlchemyError as error:
        yield Finding(_CHECK, False, f"{describe(error)}; {_INSTEAD}")
    finally:
        engine.dispose()


def _compare(primary: Engine, standby: Engine, most_seconds: float) -> Finding:
    with primary.connect() as connection:
        identity, wanted = read_identity(connection), read_position(connection)
    with standby.connect() as connection:
        other = read_identity(connection)
        found = read_position(connection)
        is_another = not found.is_standby and found.started_at != wanted.started_at
        if is_another or (None not in (identity, other) and identity != other):
            sentence = "it is neither the database nor a standby of it; correct WILLCALL_READ_DATABASE_URL"
            return Finding(_CHECK, False, f"{sentence}; {_INSTEAD}")
        connection.rollback()
        if not found.is_standby:
            return Finding(_CHECK, True, "it is the primary itself: lists are read there")
        began = time.monotonic()
        while found.bytes < wanted.bytes and time.monotonic() - began < most_seconds:
            time.sleep(_PAUSE_SECONDS)
            found = read_position(connection)
            connection.rollback()
    return _finding(wanted, found, time.monotonic() - began)


def _finding(wanted: Position, found: Position, seconds: float) -> Finding:
    if found.bytes >= wanted.bytes:
        return Finding(_CHECK, True, f"it answers, and is at most {seconds:.1f} s behind")
    missing = wanted.bytes - found.bytes
    sentence = f"it lacks {missing} bytes of the log, {seconds:.1f} s after the primary wrote them"
    advice = "check pg_stat_replication on the primary, and the standby's log"
    return Finding(_CHECK, False, f"{sentence}; {_INSTEAD}: {advice}")
