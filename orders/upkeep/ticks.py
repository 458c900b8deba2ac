"""Ticks of the schedule, each a row that only one can insert."""

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
    """Take this tick of the task; False when another has it. Old ticks are forgotten."""
    if connection.execute(_CLAIM, {"task": task, "tick": tick, "now": now}).first() is None:
        return False
    connection.execute(_FORGET, {"task": task, "before": now - _KEPT})
    return True


def is_alone(connection: Connection, task: str) -> bool:
    """Say whether no other is at this task; nobody else is then, until the transaction ends."""
    return bool(connection.scalar(_ALONE, {"task": task}))
