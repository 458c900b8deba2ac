"""Finding orders and requests by what a buyer or a producer can name."""

import re
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Connection, Row

from intake.operator.view import View
from orders.creating.order_codes import number_of_code
from schemas.text import parse_uuid

_MOST: Final = 50
_CODE: Final = re.compile(r"[0-9A-Za-z]{8}")

_COLUMNS: Final = (
    "SELECT o.id, o.number, o.code, o.status, o.payment_status, o.total, o.currency, o.created_at,"
    " o.buyer_first_name, o.buyer_last_name, o.buyer_email, t.name AS tenant"
    " FROM orders o JOIN tenants t ON t.id = o.tenant_id WHERE "
)

_REQUESTS: Final = (
    "SELECT r.id, r.kind, r.status, r.order_id, r.errors, r.processed_at, r.idempotency_key, t.name AS tenant"
    " FROM requests r JOIN tenants t ON t.id = r.tenant_id"
)


def search_orders(connection: Connection, view: View, wanted: str) -> list[Row[Any]]:
    """Return orders whose id, number, code, reference, e-mail address, name or ticket is `wanted`.

    At most 50, newest first; `wanted` is a whole id, number, code or reference, or at least three letters
    of a name or an address.
    """
    wanted = wanted.strip()
    conditions: list[str] = []
    values: dict[str, Any] = {}
    id_ = parse_uuid(wanted)
    if id_ is not None:
        conditions += ["o.id = :id", "o.id = (SELECT order_id FROM requests WHERE id = :id)"]
        conditions += ["o.id = (SELECT order_id FROM tickets WHERE id = :id)"]
        values["id"] = id_
    elif wanted.isascii() and wanted.isdigit() and len(wanted) <= 13:
        conditions.append("o.number = :number")
        values["number"] = int(wanted)
    if _CODE.fullmatch(wanted):
        number = number_of_code(wanted)
        if number is not None:
            conditions.append("o.number = :coded")
            values["coded"] = number
    if wanted and id_ is None:
        conditions.append("o.reference = :reference")
        values["reference"] = wanted
    if len(wanted) >= 3 and id_ is None:
        conditions.append(
            "lower(buyer_first_name || ' ' || buyer_last_name || ' ' || buyer_email) LIKE :part"
        )
        escaped = re.sub(r"([\\%_])", r"\\\1", wanted.lower())
        values["part"] = f"%{escaped}%"
    found: dict[UUID, Row[Any]] = {}
    for condition in conditions:
        rows = view.rows(
            connection,
            f"{_COLUMNS} {view.restricted('o.tenant_id')} {condition} ORDER BY o.id DESC LIMIT {_MOST}",
            **values,
        )
        found.update((row.id, row) for row in rows)
    return list(found.values())[:_MOST]


def list_requests(
    connection: Connection, view: View, since: datetime, *, status: str, kind: str, code: str
) -> list[Row[Any]]:
    """Return requests with an outcome since then, newest first, at most 50; "" restricts nothing."""
    conditions = [view.restricted("r.tenant_id") + "r.processed_at >= :since"]
    if status:
        conditions.append("r.status = :status")
    if kind:
        conditions.append("r.kind = :kind")
    if code:
        conditions.append("r.status = 'rejected' AND r.errors->0->>'code' = :code")
    return view.rows(
        connection,
        f"{_REQUESTS} WHERE {' AND '.join(conditions)} ORDER BY r.processed_at DESC LIMIT {_MOST}",
        since=since,
        status=status,
        kind=kind,
        code=code,
    )


def find_request(connection: Connection, view: View, wanted: str) -> list[Row[Any]]:
    """Return the requests of this id or idempotency key, with any status."""
    id_ = parse_uuid(wanted.strip())
    condition = "r.id = :id" if id_ else "r.idempotency_key = :key"
    if id_ is None and view.tenant_id is None:
        return []  # keys are a tenant's own, and found by its index only
    return view.rows(
        connection,
        f"{_REQUESTS} WHERE {view.restricted('r.tenant_id')} {condition}",
        id=id_,
        key=wanted.strip(),
    )
