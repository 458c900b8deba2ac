"""Reading related orders: replaced and replacing orders, sales and their purchase orders."""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from sqlalchemy import Connection, text

from db.bulk import array
from schemas.background import RelatedOrder
from schemas.orders import Order

_RELATED: Final = text("""
    SELECT o.id, o.number, o.status,
        ARRAY(SELECT s.number FROM order_trades t JOIN orders s ON s.id = t.order_id
            WHERE t.substitutes_id = o.id ORDER BY s.number) AS replaced_by
    FROM orders o WHERE o.id = ANY(CAST(:ids AS uuid[]))
""")


def read_related(connection: Connection, orders: Sequence[Order]) -> dict[UUID, RelatedOrder]:
    """Return the orders related to these, and these themselves: one statement, or none without trade."""
    ids = {
        id_
        for order in orders
        if (trade := order.trade) is not None
        for id_ in (order.id, trade.order_group_id, trade.substitutes_id, trade.counterpart_id)
        if id_ is not None
    }
    if not ids:
        return {}
    return {
        row.id: RelatedOrder(row.number, row.status, tuple(row.replaced_by))
        for row in connection.execute(_RELATED, {"ids": array(sorted(ids))})
    }
