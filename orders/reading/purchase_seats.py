"""Reading the seats of purchase orders without tickets: those of their sale, or of their ticket group."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Final
from uuid import UUID

from sqlalchemy import Connection, text

from db.bulk import array
from schemas.orders import Order

SeatsOfLines = Mapping[int, tuple[str, ...]]
"""The labels of seats, by line number."""

# A purchase order has the lines of its sale. A seat without a position is removed.
_SEATS: Final = text("""
    SELECT purchase.id, k.line_number, array_agg(s.label ORDER BY s.position) AS labels
    FROM unnest(CAST(:ids AS uuid[])) AS purchase (id)
    JOIN order_trades t ON t.order_id = purchase.id
    JOIN tickets k ON k.order_id = t.counterpart_id AND k.status <> 'voided'
    JOIN seats s ON s.id = k.seat_id
    GROUP BY purchase.id, k.line_number
    UNION ALL
    SELECT purchase.id, l.line_number, array_agg(s.label ORDER BY s.position)
    FROM unnest(CAST(:ids AS uuid[])) AS purchase (id)
    JOIN order_lines l ON l.order_id = purchase.id
    JOIN ticket_classes c ON c.id = l.ticket_class_id AND c.bought_by_order_id = purchase.id
    JOIN seats s ON s.ticket_class_id = c.id AND s.position IS NOT NULL
    GROUP BY purchase.id, l.line_number
""")


def read_purchase_seats(connection: Connection, orders: Sequence[Order]) -> dict[UUID, SeatsOfLines]:
    """Return the seats of purchase orders without tickets: one statement, or none without such orders."""
    ids = [order.id for order in orders if order.trade and order.trade.is_purchase and not order.tickets]
    if not ids:
        return {}
    found: defaultdict[UUID, dict[int, tuple[str, ...]]] = defaultdict(dict)
    for row in connection.execute(_SEATS, {"ids": array(ids)}):
        found[row.id][row.line_number] = tuple(row.labels)
    return dict(found)
