"""Which order a request is about."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import Connection, text

from db.bulk import array
from orders.catalogue.tenants import public_keys
from orders.changing.check_in import ticket_id_of
from orders.draft import Draft
from orders.errors import RejectedRequest, UnknownOrder, UnknownTicket
from schemas.changes import OrderReference
from schemas.check_in import CheckInRequest
from schemas.requests import CREATE

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


def _asked(draft: Draft) -> OrderReference:
    assert isinstance(draft.asked, OrderReference)  # noqa: S101 - chosen by it
    return draft.asked


def _scan(draft: Draft) -> CheckInRequest:
    assert isinstance(draft.asked, CheckInRequest)  # noqa: S101 - chosen by it
    return draft.asked
