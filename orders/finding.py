"""Which order a request is about; one that came before its order waits."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, text

from db.bulk import array
from orders.checking_in import ticket_id_of
from orders.draft import Draft
from orders.errors import RejectedRequest, UnknownOrder, UnknownTicket
from orders.requests_json import request_json
from orders.tenants import public_keys
from schemas.changes import OrderReference
from schemas.check_in import CheckInRequest
from schemas.requests import CREATE

PATIENCE = timedelta(minutes=1)
"""How long a request waits for the order that it names."""

_BY_ID = text("""
    SELECT id, tenant_id::text FROM orders WHERE id = ANY(CAST(:ids AS uuid[]))
""")

_BY_KEY = text("""
    SELECT tenant_id::text, idempotency_key, order_id
    FROM requests
    WHERE (tenant_id, idempotency_key) IN (
        SELECT * FROM unnest(CAST(:tenant_ids AS uuid[]), CAST(:keys AS text[])))
    AND kind = :create
""")

_BY_TICKET = text("""
    SELECT t.id, t.order_id, o.tenant_id::text
    FROM tickets t JOIN orders o ON o.id = t.order_id
    WHERE t.id = ANY(CAST(:ids AS uuid[]))
""")

_WAITING_SINCE = text("""
    SELECT request_id, waits_since FROM delayed_requests
    WHERE request_id = ANY(CAST(:ids AS uuid[])) AND waits_since IS NOT NULL
""")

# It has had no effect yet: when it is tried again, it is as new.
_UNCLAIM = text("DELETE FROM requests WHERE id = ANY(CAST(:ids AS uuid[]))")

_WAIT = text("""
    INSERT INTO delayed_requests
        (request_id, kind, request, attempts, last_error, next_attempt_at, waits_since)
    VALUES (:request_id, :kind, :request, 0, :reason, :next_attempt_at, :now)
    ON CONFLICT (request_id) DO UPDATE
        SET next_attempt_at = excluded.next_attempt_at, attempts = 0, last_error = excluded.last_error,
            waits_since = COALESCE(delayed_requests.waits_since, excluded.waits_since)
""")


def find_orders(connection: Connection, drafts: Sequence[Draft]) -> dict[int, UUID]:
    """Set the order's id on each draft that changes one; return the tickets to check in, by `id(draft)`.

    A draft whose order is not there is rejected, or waits if it names the order by its creator's key.
    """
    _find_by_reference(connection, [one for one in drafts if isinstance(one.asked, OrderReference)])
    return _find_by_ticket(connection, [one for one in drafts if isinstance(one.asked, CheckInRequest)])


def _find_by_reference(connection: Connection, drafts: Sequence[Draft]) -> None:
    if not drafts:
        return
    by_id = [draft for draft in drafts if _asked(draft).order_id is not None]
    by_key = [draft for draft in drafts if _asked(draft).order_id is None]
    rows = connection.execute(_BY_ID, {"ids": array(_asked(draft).order_id for draft in by_id)}).all()
    known = {(row.tenant_id, row.id) for row in rows}
    for draft in by_id:
        order_id = _asked(draft).order_id
        if (draft.tenant_id, order_id) in known:
            _found(draft, order_id)
        else:
            draft.reject(UnknownOrder(f"there is no order {order_id}", "order_id"))
    parameters = {
        "create": CREATE,
        "tenant_ids": array(draft.tenant_id for draft in by_key),
        "keys": array(_asked(draft).order_key for draft in by_key),
    }
    created = {(row.tenant_id, row.idempotency_key): row for row in connection.execute(_BY_KEY, parameters)}
    for draft in by_key:
        key = _asked(draft).order_key
        row = created.get((draft.tenant_id, key))
        if row is None:
            draft.is_waiting = True
        elif row.order_id is None:
            draft.reject(UnknownOrder(f"the request {key} was rejected: it made no order", "order_key"))
        else:
            _found(draft, row.order_id)


def _find_by_ticket(connection: Connection, drafts: Sequence[Draft]) -> dict[int, UUID]:
    if not drafts:
        return {}
    keys = public_keys(connection)
    found: dict[int, UUID] = {}
    for draft in drafts:
        try:
            found[id(draft)] = ticket_id_of(_scan(draft), keys)
        except RejectedRequest as error:
            draft.reject(error)
    rows = connection.execute(_BY_TICKET, {"ids": array(found.values())}).all()
    orders = {(row.tenant_id, row.id): row.order_id for row in rows}
    for draft in drafts:
        if not draft.is_rejected:
            order_id = orders.get((draft.tenant_id, found[id(draft)]))
            if order_id is None:
                draft.reject(UnknownTicket(f"there is no ticket {found[id(draft)]}", "ticket_id"))
            else:
                _found(draft, order_id)
    return found


def _found(draft: Draft, order_id: UUID | None) -> None:
    draft.order_id, draft.has_order = str(order_id), True


def wait(
    connection: Connection, drafts: Sequence[Draft], *, now: datetime, patience: timedelta
) -> list[Draft]:
    """Keep drafts that wait as rows, as if they had not come yet; return those that waited long enough."""
    if not drafts:
        return []
    ids = array(draft.request_id for draft in drafts)
    since: Mapping[UUID, Any] = {
        row.request_id: row.waits_since for row in connection.execute(_WAITING_SINCE, {"ids": ids})
    }
    late: list[Draft] = []
    early: list[Draft] = []
    for draft in drafts:
        began = since.get(draft.request.request_id, now)
        (late if now - began >= patience else early).append(draft)
    if early:
        connection.execute(_UNCLAIM, {"ids": array(draft.request_id for draft in early)})
        connection.execute(
            _WAIT,
            [
                {
                    "request_id": draft.request.request_id,
                    "kind": draft.request.kind,
                    "request": request_json(draft.request),
                    "reason": "it waits for its order",
                    "next_attempt_at": now + _next_wait(now - since.get(draft.request.request_id, now)),
                    "now": now,
                }
                for draft in early
            ],
        )
    return late


def _next_wait(waited: timedelta) -> timedelta:
    """Return the wait until the next look: as long as it has waited, between one and ten seconds."""
    return min(max(waited, timedelta(seconds=1)), timedelta(seconds=10))


def _asked(draft: Draft) -> OrderReference:
    assert isinstance(draft.asked, OrderReference)  # noqa: S101 - chosen by it
    return draft.asked


def _scan(draft: Draft) -> CheckInRequest:
    assert isinstance(draft.asked, CheckInRequest)  # noqa: S101 - chosen by it
    return draft.asked
