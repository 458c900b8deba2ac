"""Reading the recorded changes of orders, for ticket statuses and earlier versions of orders."""

from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Connection, text

from db.bulk import array
from schemas.originals import PastChange

_COLUMNS: Final = """
    SELECT c.order_id, c.change_number, c.request_id, c.fields, before.changed_at, before.changed_by
    FROM order_changes c LEFT JOIN LATERAL (
        SELECT p.changed_at, p.changed_by FROM order_changes p
        WHERE p.order_id = c.order_id AND p.change_number < c.change_number
        ORDER BY p.change_number DESC LIMIT 1
    ) AS before ON true
"""

# Most orders are never changed: for them, this is one short search of the index.
_OF_TICKETS: Final = text(f"""
    {_COLUMNS} WHERE c.order_id = ANY(CAST(:ids AS uuid[]))
        AND c.fields::text LIKE ANY (ARRAY['%"voided"%', '%"totals.refunded"%', '%"payments.%', '%"status"%'])
    ORDER BY c.order_id, c.change_number
""")

_SINCE: Final = text(f"""
    {_COLUMNS} WHERE c.order_id = :order_id AND c.change_number >= (
        SELECT change_number FROM order_changes WHERE order_id = :order_id AND request_id = :request_id)
    ORDER BY c.change_number
""")  # noqa: S608 - constants


def read_changes(connection: Connection, order_ids: Sequence[UUID]) -> dict[UUID, list[PastChange]]:
    """Return the changes of tickets and payments of orders, oldest first, by the orders' ids."""
    found: dict[UUID, list[PastChange]] = {}
    if order_ids:
        for row in connection.execute(_OF_TICKETS, {"ids": array(map(str, order_ids))}):
            found.setdefault(row.order_id, []).append(_change(row))
    return found


def changes_since(connection: Connection, order_id: UUID, request_id: UUID) -> list[PastChange]:
    """Return the change that a request made to an order, and all later ones; none if it made none."""
    rows = connection.execute(_SINCE, {"order_id": order_id, "request_id": request_id})
    return [_change(row) for row in rows]


def _change(row: Any) -> PastChange:
    return PastChange(row.change_number, row.request_id, row.fields, row.changed_at, row.changed_by)
