"""Ticks of the schedule, each a row that only one process can insert, with its result.

The tick of a run that an operator started is a negative number that no other run has.
"""

from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection, text

_KEPT: Final = timedelta(hours=1)

_CLAIM = text("""
    INSERT INTO ticks (task, tick, claimed_at) VALUES (:task, :tick, :now)
    ON CONFLICT DO NOTHING RETURNING tick
""")

_FINISH = text("""
    UPDATE ticks SET finished_at = :now, count = :count, error = :error WHERE task = :task AND tick = :tick
""")

# The last one that was finished stays, however old: it says since when the job does not run.
_FORGET = text("""
    DELETE FROM ticks WHERE task = :task AND claimed_at < :before AND tick IS DISTINCT FROM (
        SELECT tick FROM ticks WHERE task = :task AND finished_at IS NOT NULL
        ORDER BY claimed_at DESC, tick DESC LIMIT 1)
""")

_ALONE = text("SELECT pg_try_advisory_xact_lock(hashtextextended('willcall ' || :task, 0))")


def claim_tick(connection: Connection, task: str, tick: int, *, now: datetime) -> bool:
    """Claim this tick of the task; return False if another process has it. Old ticks are deleted."""
    if connection.execute(_CLAIM, {"task": task, "tick": tick, "now": now}).first() is None:
        return False
    connection.execute(_FORGET, {"task": task, "before": now - _KEPT})
    return True


def finish_tick(
    connection: Connection, task: str, tick: int, *, count: int | None, error: str | None, now: datetime
) -> None:
    """Write the result of a claimed tick: the job's count, or a sentence about its failure."""
    connection.execute(_FINISH, {"task": task, "tick": tick, "count": count, "error": error, "now": now})


def is_alone(connection: Connection, task: str) -> bool:
    """Return whether no other process runs the task; if so, lock it until the transaction ends."""
    return bool(connection.scalar(_ALONE, {"task": task}))
