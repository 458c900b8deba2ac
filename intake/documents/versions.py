"""Which version of an order's document is the one of now: another one as soon as it would look different."""

from typing import Final
from uuid import UUID

from sqlalchemy import Connection, text

_LOOK: Final = "2"
"""To be raised with every change of how documents look."""

# Of each row that the document shows the transaction that wrote it, and not its text, which depends on the
# session. Ticket classes are written at every sale: of those what they say.
_VERSION: Final = text("""
    SELECT md5(concat_ws('|', CAST(:look AS text), o.xmin, n.xmin,
        (SELECT string_agg(
                concat_ws(
                    ',', l.xmin, e.xmin, to_json(ARRAY[c.name, c.section, c.row, CAST(c.details AS text)])
                ),
                ';' ORDER BY l.line_number
            )
            FROM order_lines l
            JOIN ticket_classes c ON c.id = l.ticket_class_id
            JOIN events e ON e.id = c.event_id
            WHERE l.order_id = o.id),
        (SELECT string_agg(concat_ws(',', t.xmin, s.label), ';' ORDER BY t.id)
            FROM tickets t LEFT JOIN seats s ON s.id = t.seat_id
            WHERE t.order_id = o.id)
    ))
    FROM orders o JOIN tenants n ON n.id = o.tenant_id WHERE o.id = :order_id
""")


def version_of(connection: Connection, order_id: UUID) -> str | None:
    """Return the version of the order's document, which is its entity tag too; None if there is no order."""
    version: str | None = connection.scalar(_VERSION, {"look": _LOOK, "order_id": order_id})
    return version
