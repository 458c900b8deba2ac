"""Orders as they were confirmed, read from their first event messages."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, text

from schemas.originals import Original, OriginalLine

# The first message never changes; only the fields that answers need are read.
_FIRST = text("""
    SELECT subject, data->'totals' AS totals, data->'line_items' AS line_items, data->'extras' AS extras
    FROM event_messages WHERE subject = ANY(CAST(:ids AS uuid[])) AND sequence = 1
""")


def read_originals(connection: Connection, order_ids: Sequence[UUID]) -> dict[UUID, Original]:
    """Return the orders as they were confirmed, by their ids: one statement, however many orders."""
    if not order_ids:
        return {}
    rows = connection.execute(_FIRST, {"ids": list(order_ids)})
    return {row.subject: _original(row) for row in rows if row.totals and row.line_items}


def _original(row: Any) -> Original:
    return Original(
        total=Decimal(row.totals["total"]),
        discount=Decimal(row.totals["discount"]),
        lines=tuple(
            OriginalLine(
                line["line_number"],
                line["ticket_class_id"],
                line["quantity"],
                Decimal(line["unit_price"]),
            )
            for line in row.line_items
        ),
        extras=row.extras,
    )
