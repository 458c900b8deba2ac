"""What the database says in the end, read in one transaction."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine, text

Row = dict[str, Any]


@dataclass(frozen=True)
class Snapshot:
    """Rows of the tables, as dictionaries."""

    requests: dict[str, Row]
    """By idempotency key."""
    repeats: dict[str, str]
    """The ids of requests that came again, and of those that they repeat."""
    orders: dict[str, Row]
    """By idempotency key; each with its `lines`, `tickets` and `payments`."""
    doubled: list[str]
    """Keys that more than one order has."""
    holds: list[Row]
    classes: list[Row]
    promo_codes: list[Row]
    events: dict[str, list[int]]
    """The numbers of the event messages that were written, by subject."""
    unsent: int
    waiting: list[Row]
    dead: list[Row]
    now: datetime
    """By the database's clock."""


def read_snapshot(engine: Engine) -> Snapshot:
    with engine.connect().execution_options(isolation_level="REPEATABLE READ") as connection:
        return _read(connection)


def _read(connection: Connection) -> Snapshot:
    def rows(query: str) -> list[Row]:
        return [dict(row._mapping) for row in connection.execute(text(query))]

    def by_order(query: str) -> dict[str, list[Row]]:
        found: defaultdict[str, list[Row]] = defaultdict(list)
        for row in rows(query):
            found[row["order_id"]].append(row)
        return found

    lines = by_order(
        "SELECT l.order_id::text, l.line_number, c.external_id AS class, l.quantity, l.unit_price, l.amount,"
        " l.tax FROM order_lines l JOIN ticket_classes c ON c.id = l.ticket_class_id ORDER BY 1, 2"
    )
    tickets = by_order(
        "SELECT t.order_id::text, t.id::text, t.line_number, c.external_id AS class, t.status, t.code,"
        " t.seat_id::text FROM tickets t JOIN ticket_classes c ON c.id = t.ticket_class_id"
    )
    payments = by_order("SELECT order_id::text, amount, status, is_refund FROM payments")
    orders: dict[str, Row] = {}
    doubled = []
    for order in rows("SELECT o.*, o.id::text AS id FROM orders o"):
        id_ = order["id"]
        whole = order | {"lines": lines[id_], "tickets": tickets[id_], "payments": payments[id_]}
        if order["idempotency_key"] in orders:
            doubled.append(order["idempotency_key"])
        orders[order["idempotency_key"]] = whole
    events: defaultdict[str, list[int]] = defaultdict(list)
    for row in rows("SELECT subject::text, sequence FROM event_messages ORDER BY subject, sequence"):
        events[row["subject"]].append(row["sequence"])
    return Snapshot(
        requests={
            row["idempotency_key"]: row
            for row in rows("SELECT r.*, r.id::text AS id, r.order_id::text AS order_id FROM requests r")
        },
        repeats={
            row["id"]: row["original_id"]
            for row in rows("SELECT id::text, original_id::text FROM request_repeats")
        },
        orders=orders,
        doubled=doubled,
        holds=rows(
            "SELECT h.*, h.id::text AS id, c.external_id AS class FROM holds h"
            " JOIN ticket_classes c ON c.id = h.ticket_class_id"
        ),
        classes=rows("SELECT c.*, c.id::text AS id FROM ticket_classes c"),
        promo_codes=rows("SELECT code, used, max_uses FROM promo_codes"),
        events=dict(events),
        unsent=len(rows("SELECT FROM outbox")),
        waiting=rows("SELECT request_id::text, kind, last_error FROM delayed_requests"),
        dead=rows("SELECT * FROM dead_letters"),
        now=rows("SELECT now()")[0]["now"],
    )
