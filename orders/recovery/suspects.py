"""Suspects: messages that were redelivered several times and may crash every worker that processes them.

A broker also counts deliveries of messages that only waited in a worker that died. So each attempt of a
suspect is counted here, before it is made; only messages that fail during their own attempts are given up.
"""

from datetime import datetime

from sqlalchemy import Connection, delete, text

from db import tables

_COUNT = text("""
    INSERT INTO suspects (message_id, attempts, last_attempt_at) VALUES (:message_id, 1, :now)
    ON CONFLICT (message_id) DO UPDATE SET attempts = suspects.attempts + 1, last_attempt_at = :now
    RETURNING attempts
""")


def count_attempt(connection: Connection, message_id: str, now: datetime) -> int:
    """Count an attempt that is about to be made; return the attempts so far, including this one."""
    attempts: int = connection.scalars(_COUNT, {"message_id": message_id, "now": now}).one()
    return attempts


def acquit(connection: Connection, message_id: str) -> None:
    """Delete a message that has been processed or buried."""
    table = tables.suspects
    connection.execute(delete(table).where(table.c.message_id == message_id))
