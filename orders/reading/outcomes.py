"""The outcomes of requests, as the intake answers them."""

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Connection, text

from db.bulk import array
from orders.steps.claim import CONFLICT
from schemas.json import JsonObject

# The size of the order determines the work of answering with it.
_REQUESTS = text("""
    SELECT found.*, (SELECT count(*) FROM tickets WHERE tickets.order_id = found.order_id) AS tickets FROM (
    SELECT id, tenant_id, status, order_id, errors, false AS is_conflict, false AS is_repeat
    FROM requests WHERE id = ANY(CAST(:ids AS uuid[]))
    UNION ALL
    SELECT r.id, o.tenant_id, o.status, o.order_id, o.errors, r.is_conflict, true
    FROM request_repeats r JOIN requests o ON o.id = r.original_id
    WHERE r.id = ANY(CAST(:ids AS uuid[]))
    UNION ALL
    SELECT d.request_id, t.id, 'dead', NULL,
        json_build_array(json_build_object('code', 'invalid', 'field', NULL, 'message', d.reason)),
        false, false
    FROM dead_letters d JOIN tenants t ON t.name = d.tenant
    WHERE d.request_id = ANY(CAST(:ids AS uuid[]))
    ) AS found
""")


_TICKETS = text("""
    SELECT order_id, count(*) AS tickets FROM tickets WHERE order_id = ANY(CAST(:ids AS uuid[]))
    GROUP BY order_id
""")


@dataclass(frozen=True, slots=True)
class RequestRow:
    """A request's outcome and tenant."""

    request_id: UUID
    tenant_id: UUID
    status: str
    order_id: UUID | None
    errors: tuple[JsonObject, ...]
    is_repeat: bool = False
    """Whether an earlier request had the same idempotency key."""
    is_conflict: bool = False
    """Whether the earlier request was a different one: this one has no effect, and its own outcome."""
    tickets: int = 0
    """The number of its order's tickets, including voided ones."""

    @property
    def is_replay(self) -> bool:
        """Return whether the outcome is that of the earlier request."""
        return self.is_repeat and not self.is_conflict

    def body(self) -> JsonObject:
        """Return the answer of `GET /v1/requests/{request_id}`."""
        return {
            "request_id": self.request_id,
            "status": self.status,
            "order_id": self.order_id,
            "errors": self.errors,
        }


def find_requests(connection: Connection, ids: Iterable[UUID]) -> dict[UUID, RequestRow]:
    """Return the outcomes of processed requests, by id; the others are still pending."""
    found: dict[UUID, RequestRow] = {}
    for row in connection.execute(_REQUESTS, {"ids": array(map(str, ids))}):
        if row.is_conflict:
            outcome = conflicting(row.id, row.tenant_id)
        else:
            outcome = RequestRow(
                row.id,
                row.tenant_id,
                row.status,
                row.order_id,
                tuple(row.errors or ()),
                row.is_repeat,
                tickets=row.tickets,
            )
        # A processed request's row takes precedence over other rows with its id.
        if row.id not in found or found[row.id].status == "dead":
            found[row.id] = outcome
    return found


def count_tickets(connection: Connection, order_ids: Iterable[UUID]) -> dict[UUID, int]:
    """Return the number of tickets of orders, including voided ones; orders without any are omitted."""
    rows = connection.execute(_TICKETS, {"ids": array(map(str, order_ids))})
    return {row.order_id: row.tickets for row in rows}


def conflicting(request_id: UUID, tenant_id: UUID) -> RequestRow:
    """Return the outcome of a request whose key belongs to another one."""
    errors = (CONFLICT.as_dict(),)
    return RequestRow(request_id, tenant_id, "rejected", None, errors, is_repeat=True, is_conflict=True)
