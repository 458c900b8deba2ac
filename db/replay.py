"""Measuring how far a standby is behind its primary, by positions in the primary's log over time.

PostgreSQL shows when a standby has replayed its last transaction. But that time does not advance while the
primary is idle, and a standby that has lost its primary has replayed all that it received. So positions in
the primary's log are recorded with the time at which they were read: a standby that has replayed one of them
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
    """The server is not a usable standby of the primary; the text says why."""


@dataclass(frozen=True, slots=True)
class Position:
    """A server's position in the write-ahead log: written by a primary, or replayed by a standby."""

    started_at: datetime
    """When the server was started, to the microsecond: identifies servers, also behind a pooler."""
    is_standby: bool
    bytes: int


def read_position(connection: Connection) -> Position:
    """Return the position of the connection's server."""
    row = connection.execute(_POSITION).one()
    return Position(row.started_at, row.is_standby, row.bytes or 0)


def read_identity(connection: Connection) -> int | None:
    """Return the identifier that a primary shares with its standbys only, or None without the privilege.

    Ends the transaction.
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
    """Positions of the primary, each with the time, in seconds, at which it had been reached."""

    _of: datetime | None = None
    _found: deque[tuple[float, int]] = field(default_factory=lambda: deque(maxlen=_MOST_SAMPLES))

    def add(self, moment: float, primary: Position) -> None:
        """Record that the primary had reached the position by this time."""
        if primary.started_at != self._of:  # another primary, whose log may differ from the former's
            self._of = primary.started_at
            self._found = deque(maxlen=_MOST_SAMPLES)
        self._found.append((moment, primary.bytes))

    def seconds_behind(self, server: Position, now: float) -> float:
        """Return the maximum age of the server's data; infinite if it is older than all samples.

        Raises `Unusable` if the server is another primary.
        """
        if not server.is_standby:
            if server.started_at == self._of:
                return 0.0
            raise Unusable("the server for reading is a primary, but not the primary of the database")
        # The newest come last; a copy, as another thread may add one.
        for moment, bytes_ in reversed(tuple(self._found)):
            if bytes_ <= server.bytes:
                return now - moment
        return float("inf")
