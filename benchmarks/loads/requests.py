"""The requests that come after an order: one for each existing order, and holds.

They hold nothing but the messages' public fields; what they name is read from the database.
"""

from datetime import UTC, datetime, timedelta
from itertools import cycle
from typing import Any, Final
from uuid import uuid4

from benchmarks.loads.orders import EVENT, SPREAD, TENANT, make_attendee
from benchmarks.running.database import Database
from db.ids import new_id

Body = dict[str, Any]

# Buyers do not come back in the order in which they bought.
_ORDERS: Final = """
    SELECT o.id, l.line_number, c.external_id AS ticket_class
    FROM orders o JOIN order_lines l ON l.order_id = o.id JOIN ticket_classes c ON c.id = l.ticket_class_id
    ORDER BY md5(o.id::text)
"""
_CODES: Final = "SELECT code FROM tickets WHERE status = 'valid' ORDER BY md5(id::text)"
_HOLDS: Final = "SELECT id FROM holds WHERE status = 'held' ORDER BY md5(id::text)"

_HOLD_TIME: Final = timedelta(hours=1)
"""Longer than a run, so that no hold expires in it."""


def updates(database: Database) -> list[Body]:
    """Return an update of each order: of one the buyer's phone, of the next its line, in turn."""
    return [
        _addressed(
            order_id=str(order.id), patch=_new_line(order, number) if number % 2 else _new_phone(number)
        )
        for number, order in enumerate(database.rows(_ORDERS))
    ]


def _new_phone(number: int) -> Body:
    return {"buyer": {"phone": f"+33 6 {number:08}"}}


def _new_line(order: Any, number: int) -> Body:
    """Return a patch by which the order gets a second ticket, and other attendees."""
    line = {"line_number": order.line_number, "ticket_class_id": order.ticket_class, "quantity": 2}
    return {"line_items": [line | {"attendees": [make_attendee(number + 1), make_attendee(number + 2)]}]}


def payments(database: Database) -> list[Body]:
    """Return a payment of each order's balance, in cash."""
    return [_addressed(order_id=str(order.id), type="cash") for order in database.rows(_ORDERS)]


def check_ins(database: Database) -> list[Body]:
    """Return a scan of each valid ticket's code at the event's gate."""
    return [
        _addressed(code=ticket.code, event_id=EVENT, nonce=uuid4().hex) for ticket in database.rows(_CODES)
    ]


def cancellations(database: Database) -> list[Body]:
    """Return a cancellation of each order as a whole."""
    return [_addressed(order_id=str(order.id), reason="cannot come") for order in database.rows(_ORDERS)]


def holds(database: Database) -> list[Body]:
    """Return as many holds of one ticket as there are orders, over the ticket classes in turn."""
    count = int(database.scalar("SELECT count(*) FROM orders"))
    expires_at = (datetime.now(UTC) + _HOLD_TIME).isoformat()
    return [
        _addressed(ticket_class_id=name, quantity=1, expires_at=expires_at)
        for _, name in zip(range(count), cycle(SPREAD), strict=False)
    ]


def releases(database: Database) -> list[Body]:
    """Return a release of each hold."""
    return [_addressed(hold_id=str(hold.id)) for hold in database.rows(_HOLDS)]


def _addressed(**body: Any) -> Body:
    # As from many producers: keys in no order.
    return {"tenant": TENANT, "request_id": str(new_id()), "idempotency_key": uuid4().hex, **body}
