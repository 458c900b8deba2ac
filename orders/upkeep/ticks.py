"""Ticks of the schedule, each a row that only one process can insert."""

from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection, text

_KEPT: Final = timedelta(hours=1)

_CLAIM = text("""
    INSERT INTO ticks (task, tick, claimed_at) VALUES (:task, :tick, :now)
    ON CONFLICT DO NOTHING RETURNING tick
""")

_FORGET = text("DELETE FROM ticks WHERE task = :task AND claimed_at < :before")

_ALONE = text("SELECT pg_try_advisory_xact_lock(hashtextextended('willcall ' || :task, 0))")


def claim_tick(connection: Connection, task: str, tick: int, *, now: datetime) -> bool:
    """Claim this tick of the task; return False if another process has it. Old ticks are deleted."""
    if connection.execute(_CLAIM, {"task": task, "tick": tick, "now": now}).first() is None:
        return False
    connection.execute(_FORGET, {"task": task, "before": now - _KEPT})
    return True


def is_alone(connection: Connection, task: str) -> bool:
    """Return whether no other process runs the task; if so, lock it until the transaction ends."""
    return bool(connection.scalar(_ALONE, {"task": task}))
