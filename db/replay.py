"""How far a standby is behind its primary: by what the primary had written at which time.

PostgreSQL tells when a standby has replayed its last transaction, but on a primary where nothing happens that
time stands still; and a standby that has lost its primary has replayed all that it knows of. So positions in
the primary's log are noted with the time at which they were seen: a standby that has replayed one of them
shows everything that was committed before that time.
"""

from collections import deque
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from db.failures import sqlstate_of

_MOST_SAMPLES: Final = 600

# A standby has no position of its own until it is promoted, and then it no longer replays.
_POSITION: Final = text("""
    SELECT pg_postmaster_start_time() AS started_at, pg_is_in_recovery() AS is_standby,
        CAST(pg_wal_lsn_diff(
            CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_lsn() END, '0/0'
        ) AS bigint) AS bytes
""")

_IDENTITY: Final = text("SELECT system_identifier FROM pg_control_system()")


class Unusable(Exception):
    """The server shows too little of what the primary has; the text says why."""


@dataclass(frozen=True, slots=True)
class Position:
    """Where a server is in the log of changes: up to where it has written it, or a standby replayed it."""

    started_at: datetime
    """When the server was started, to the microsecond: tells servers apart, also behind a pooler."""
    is_standby: bool
    bytes: int


def read_position(connection: Connection) -> Position:
    """Return where the connection's server is."""
    row = connection.execute(_POSITION).one()
    return Position(row.started_at, row.is_standby, row.bytes or 0)


def read_identity(connection: Connection) -> int | None:
    """Return what a primary and its standbys have in common and no other server; None: it may not be told.

    The transaction is over then.
    """
    try:
        found: int = connection.execute(_IDENTITY).scalar_one()
    except DBAPIError as error:
        if sqlstate_of(error) != "42501":
            raise
        return None
    finally:
        connection.rollback()
    return found


@dataclass(slots=True)
class Samples:
    """Positions of the primary, with the moments, in seconds, at which they had been reached."""

    _of: datetime | None = None
    _found: deque[tuple[float, int]] = field(default_factory=lambda: deque(maxlen=_MOST_SAMPLES))

    def add(self, moment: float, primary: Position) -> None:
        """Note that the primary had reached the position at the moment, or before."""
        if primary.started_at != self._of:  # another primary, whose log may have left the former's
            self._of = primary.started_at
            self._found = deque(maxlen=_MOST_SAMPLES)
        self._found.append((moment, primary.bytes))

    def seconds_behind(self, server: Position, now: float) -> float:
        """Return how old what the server shows may be at most: infinite if it is older than all samples.

        Raises `Unusable` for a server that is another primary.
        """
        if not server.is_standby:
            if server.started_at == self._of:
                return 0.0
            raise Unusable("the server for reading is a primary, and not that of the database")
        # The newest come last; a copy, as another thread may add one.
        for moment, bytes_ in reversed(tuple(self._found)):
            if bytes_ <= server.bytes:
                return now - moment
        return float("inf")
