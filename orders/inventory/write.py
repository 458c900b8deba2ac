"""Writing the inventory that a batch took and returned: one statement per table."""

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import Connection, text

from db.bulk import array
from orders.inventory.stock import Level, Uses
from orders.journal import RowDiff
from orders.rows import SeatRow

_WRITE_TICKET_CLASSES: Final = text("""
    UPDATE ticket_classes SET sold = ticket_classes.sold + change.sold,
        held = ticket_classes.held + change.held, capacity = capacity - change.withdrawn
    FROM unnest(
        CAST(:ids AS uuid[]), CAST(:sold AS int[]), CAST(:held AS int[]), CAST(:withdrawn AS int[]))
        AS change (id, sold, held, withdrawn)
    WHERE ticket_classes.id = change.id
""")

_USE: Final = text("""
    UPDATE promo_codes SET used = used + taken.count
    FROM unnest(CAST(:ids AS uuid[]), CAST(:counts AS int[])) AS taken (id, count)
    WHERE promo_codes.id = taken.id
""")

_WRITE_SEATS: Final = text("""
    UPDATE seats SET is_taken = change.is_taken, hold_id = change.hold_id
    FROM unnest(CAST(:ids AS uuid[]), CAST(:taken AS bool[]), CAST(:hold_ids AS uuid[]))
        AS change (id, is_taken, hold_id)
    WHERE seats.id = change.id
""")


def write_stock(connection: Connection, net: dict[str, list[RowDiff]]) -> None:
    """Write the counters of ticket classes and promo codes, and the seats."""
    levels: list[tuple[str, Level]] = [
        (one.key, one.after) for one in net.get("ticket_classes", ()) if one.after.is_changed
    ]
    if levels:
        connection.execute(
            _WRITE_TICKET_CLASSES,
            {
                "ids": array(id_ for id_, _ in levels),
                "sold": array(level.sold for _, level in levels),
                "held": array(level.held for _, level in levels),
                "withdrawn": array(level.withdrawn for _, level in levels),
            },
        )
    uses: list[tuple[str, Uses]] = [(one.key, one.after) for one in net.get("promo_codes", ())]
    if uses:
        counts = array(use.used for _, use in uses)
        connection.execute(_USE, {"ids": array(id_ for id_, _ in uses), "counts": counts})
    _write_seats(connection, [one.after for one in net.get("seats", ())])


def _write_seats(connection: Connection, seats: Sequence[SeatRow]) -> None:
    if seats:
        parameters: dict[str, Any] = {
            "ids": array(seat.id for seat in seats),
            "taken": array(seat.is_taken for seat in seats),
            "hold_ids": array(seat.hold_id for seat in seats),
        }
        connection.execute(_WRITE_SEATS, parameters)
