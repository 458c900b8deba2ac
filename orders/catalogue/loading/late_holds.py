"""Ending expired holds, so that they block neither the removal of seats nor a lower capacity."""

from collections.abc import Iterable
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, text

from db.bulk import array

# A hold that another transaction has locked is used or extended there, and counts as held.
_END: Final = text("""
    WITH late AS MATERIALIZED (
        SELECT id, ticket_class_id, quantity FROM holds
        WHERE ticket_class_id = ANY(CAST(:ids AS uuid[])) AND status = 'held' AND expires_at <= :now
        ORDER BY id FOR UPDATE SKIP LOCKED
    ), ended AS (
        UPDATE holds SET status = 'expired', updated_at = :now FROM late WHERE holds.id = late.id
    ), freed AS (
        UPDATE seats SET is_taken = false, hold_id = NULL FROM late WHERE seats.hold_id = late.id
    )
    UPDATE ticket_classes SET held = held - over.quantity
    FROM (SELECT ticket_class_id, sum(quantity)::int AS quantity FROM late GROUP BY 1) AS over
    WHERE ticket_classes.id = over.ticket_class_id
""")


def end_late_holds(connection: Connection, class_ids: Iterable[str], now: datetime) -> None:
    """End the expired holds of these locked ticket classes, and free their inventory."""
    connection.execute(_END, {"ids": array(class_ids), "now": now})
