"""Messages that came back several times: one of them may end every worker that tries it.

A broker counts deliveries, also of messages that only waited in a worker that died. So each try of a
suspect is counted here, before it is made; only what was being tried itself comes to be given up.
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
    """Count a try that is about to be made; return the tries so far, this one included."""
    attempts: int = connection.scalars(_COUNT, {"message_id": message_id, "now": now}).one()
    return attempts


def acquit(connection: Connection, message_id: str) -> None:
    """Forget a message that has been processed, or is buried."""
    table = tables.suspects
    connection.execute(delete(table).where(table.c.message_id == message_id))
