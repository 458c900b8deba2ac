"""All that a tenant has, in words that do not know its ids: two tenants that did the same have the same."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Connection, text

from schemas.json import JsonObject
from tests.orders.lives.plans import TENANT_BITS, KnownOrder

_UUID: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")

_TICKETS: Final = """
    SELECT t.id::text, t.order_id::text, t.code, o.idempotency_key AS key,
        row_number() OVER (PARTITION BY t.order_id ORDER BY t.line_number, t.id) AS place
    FROM tickets t JOIN orders o ON o.id = t.order_id WHERE o.tenant_id = :tenant
    ORDER BY t.order_id, place
"""

# What a table has of a tenant, in an order that does not know its ids.
_TABLES: Final[Mapping[str, str]] = {
    "orders": "SELECT * FROM orders x WHERE tenant_id = :tenant ORDER BY idempotency_key",
    "order_lines": """SELECT x.*, o.idempotency_key FROM order_lines x JOIN orders o ON o.id = x.order_id
        WHERE o.tenant_id = :tenant ORDER BY o.idempotency_key, line_number""",
    "tickets": """SELECT x.*, s.label FROM tickets x JOIN orders o ON o.id = x.order_id
        LEFT JOIN seats s ON s.id = x.seat_id
        WHERE o.tenant_id = :tenant ORDER BY o.idempotency_key, line_number, x.id""",
    "payments": """SELECT x.* FROM payments x JOIN orders o ON o.id = x.order_id
        WHERE o.tenant_id = :tenant ORDER BY o.idempotency_key, payment_number""",
    "notes": """SELECT x.* FROM notes x JOIN orders o ON o.id = x.order_id
        WHERE o.tenant_id = :tenant ORDER BY o.idempotency_key, note_number""",
    "order_changes": """SELECT x.* FROM order_changes x JOIN orders o ON o.id = x.order_id
        WHERE o.tenant_id = :tenant ORDER BY o.idempotency_key, change_number""",
    "holds": "SELECT * FROM holds x WHERE tenant_id = :tenant ORDER BY id",
    "ticket_classes": """SELECT external_id, capacity, sold, held FROM ticket_classes
        WHERE tenant_id = :tenant ORDER BY external_id""",
    "seats": """SELECT c.external_id, label, is_taken, hold_id FROM seats s
        JOIN ticket_classes c ON c.id = s.ticket_class_id
        WHERE c.tenant_id = :tenant ORDER BY c.external_id, position""",
    "promo_codes": """SELECT code, used FROM promo_codes p JOIN events e ON e.id = p.event_id
        WHERE e.tenant_id = :tenant ORDER BY code""",
    "requests": "SELECT * FROM requests x WHERE tenant_id = :tenant ORDER BY idempotency_key",
    "repeats": """SELECT x.* FROM request_repeats x JOIN requests r ON r.id = x.original_id
        WHERE r.tenant_id = :tenant ORDER BY x.id""",
}

_EVENTS: Final = "SELECT * FROM event_messages WHERE tenant_id = :tenant ORDER BY subject, sequence"


def named(value: Any, names: Mapping[str, str]) -> Any:
    """Return a JSON value, or a row's, with names for ids, and without the numbers and codes of orders."""
    if isinstance(value, dict):
        return {
            named(name, names): named(one, names)
            for name, one in value.items()
            if name != "number" and not (name == "code" and value.get("number"))
        }
    if isinstance(value, list | tuple):
        return [named(one, names) for one in value]
    if isinstance(value, str | UUID):
        id_ = str(value)
        return names.get(id_) or _UUID.sub(lambda match: names.get(match[0], match[0]), id_)
    return value


class Snapshot:
    """What a tenant has now; `names` are what its requests' ids are called."""

    def __init__(self, connection: Connection, tenant: str, names: Mapping[str, str]) -> None:
        self._connection = connection
        self._tenant_id = connection.scalar(
            text("SELECT id::text FROM tenants WHERE name = :name"), {"name": tenant}
        )
        self._names = {**names, tenant: "the tenant", self._tenant_id: "the tenant"}
        self._names |= {row.id: f"order {row.idempotency_key}" for row in self._rows(_TABLES_OF["orders"])}
        self._names |= {row.code: f"code {row.idempotency_key}" for row in self._rows(_TABLES_OF["orders"])}
        self._tickets = self._rows(_TICKETS)
        for row in self._tickets:
            self._names[row.id] = f"ticket {row.key} {row.place}"
            if row.code is not None:
                self._names[row.code] = f"code {row.key} {row.place}"
        catalogue = """
            SELECT id::text, external_id FROM ticket_classes WHERE tenant_id = :tenant
            UNION ALL SELECT id::text, external_id FROM events WHERE tenant_id = :tenant
            UNION ALL SELECT s.id::text, 'seat ' || label FROM seats s
                JOIN ticket_classes c ON c.id = s.ticket_class_id WHERE c.tenant_id = :tenant
            UNION ALL SELECT p.id::text, code FROM promo_codes p
                JOIN events e ON e.id = p.event_id WHERE e.tenant_id = :tenant
        """
        self._names |= {row.id: row.external_id for row in self._rows(catalogue)}

    def known(self) -> dict[str, KnownOrder]:
        """Return the orders by their keys."""
        tickets: dict[str, list[str]] = {}
        for row in self._tickets:
            tickets.setdefault(row.order_id, []).append(row.id)
        query = "SELECT id::text, idempotency_key, version FROM orders WHERE tenant_id = :tenant"
        return {
            row.idempotency_key: KnownOrder(row.id, row.version, tickets.get(row.id, []))
            for row in self._rows(query)
        }

    def words(self) -> dict[str, list[JsonObject]]:
        """Return the rows of every table, named."""
        found = {
            name: [self._row(row._mapping, name) for row in self._rows(query)]
            for name, query in _TABLES.items()
        }
        events = [self._row(row._mapping, "events") for row in self._rows(_EVENTS)]
        found["events"] = sorted(events, key=lambda event: (event["subject"], event["sequence"]))
        return found

    def named(self, value: Any) -> Any:
        """Return the value, a JSON one or a row's, without ids."""
        return named(value, self._names)

    def _row(self, row: Mapping[Any, Any], table: str) -> JsonObject:
        words = {str(name): value for name, value in row.items() if name != "body_hash"}
        if table == "order_changes" and words["place"] is not None:
            # The number after the largest place that was seen is nobody's id.
            words["place"] = self._names.get(str(words["place"]), words["place"].int & ~TENANT_BITS)
        if table == "orders":
            del words["number"], words["code"]
        return {name: self.named(value) for name, value in words.items()}

    def _rows(self, query: str) -> Sequence[Any]:
        return self._connection.execute(text(query), {"tenant": self._tenant_id}).all()


_TABLES_OF: Final = {
    "orders": "SELECT id::text, code, idempotency_key FROM orders WHERE tenant_id = :tenant",
}
