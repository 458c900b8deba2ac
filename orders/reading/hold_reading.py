"""Reading holds in wire format."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, RowMapping, Select, case, select, text

from db.tables import holds, seats, tenants, ticket_classes
from orders.reading.pages import DEFAULT_PAGE, cursor_after, id_before
from schemas.json import JsonObject

# A repeated request has the hold of the first one.
_OF_REQUESTS = text("""
    SELECT id AS request_id, id AS hold_id FROM holds WHERE id = ANY(CAST(:ids AS uuid[]))
    UNION ALL
    SELECT r.id, h.id FROM request_repeats r JOIN holds h ON h.id = r.original_id
    WHERE r.id = ANY(CAST(:ids AS uuid[])) AND NOT r.is_conflict
""")


@dataclass(frozen=True, slots=True)
class HoldFilter:
    """The holds to list; None does not restrict. `ticket_class_id` is the catalogue's."""

    tenant_id: UUID | None = None
    ticket_class_id: str | None = None
    status: str | None = None


def find_holds_of_requests(connection: Connection, request_ids: Iterable[UUID]) -> dict[UUID, UUID]:
    """Return the holds that the requests have taken, by the request's id."""
    rows = connection.execute(_OF_REQUESTS, {"ids": list(request_ids)})
    return {row.request_id: row.hold_id for row in rows}


def get_hold(
    connection: Connection, hold_id: UUID, tenant_id: UUID | None = None, *, now: datetime
) -> JsonObject | None:
    """Return the hold, or None; with a tenant, only if it is that tenant's."""
    query = _select(now).where(holds.c.id == hold_id)
    if tenant_id is not None:
        query = query.where(holds.c.tenant_id == tenant_id)
    found = _read(connection, query)
    return found[0] if found else None


def get_holds(
    connection: Connection, hold_ids: Iterable[UUID], *, now: datetime
) -> dict[tuple[UUID, UUID], JsonObject]:
    """Return the holds by tenant and id: one or two statements, however many holds."""
    found = connection.execute(_select(now).where(holds.c.id.in_(list(hold_ids)))).mappings().all()
    return {
        (row["tenant_id"], row["id"]): body
        for row, body in zip(found, _render_all(connection, found), strict=True)
    }


def tenant_of_hold(connection: Connection, hold_id: UUID) -> str | None:
    """Return the name of the hold's tenant, or None if the hold does not exist."""
    query = select(tenants.c.name).join(holds, holds.c.tenant_id == tenants.c.id)
    return connection.scalars(query.where(holds.c.id == hold_id)).one_or_none()


def list_holds(
    connection: Connection,
    wanted: HoldFilter,
    *,
    now: datetime,
    cursor: str | None = None,
    limit: int = DEFAULT_PAGE,
) -> tuple[list[JsonObject], str | None]:
    """Return a page of holds, newest first, and the cursor of the next one. Raises `BadCursor`."""
    query = _select(now).order_by(holds.c.id.desc()).limit(limit + 1)
    if cursor is not None:
        query = query.where(holds.c.id < id_before(cursor))
    if wanted.tenant_id is not None:
        query = query.where(holds.c.tenant_id == wanted.tenant_id)
    if wanted.ticket_class_id is not None:
        query = query.where(ticket_classes.c.external_id == wanted.ticket_class_id)
    if wanted.status is not None:
        query = query.where(_status(now) == wanted.status)
    found = _read(connection, query)
    page = found[:limit]
    return page, cursor_after(page[-1]["id"]) if len(found) > limit else None


def _status(now: datetime) -> ColumnElement[str]:
    """Return the current status: a hold expires even before the sweep ends it."""
    is_late = (holds.c.status == "held") & (holds.c.expires_at <= now)
    return case((is_late, "expired"), else_=holds.c.status)


def _select(now: datetime) -> Select[Any]:
    columns = [column for column in holds.c if column.name != "status"]
    return (
        select(*columns, ticket_classes.c.external_id)
        .add_columns(_status(now).label("status"))
        .join(ticket_classes, ticket_classes.c.id == holds.c.ticket_class_id)
    )


def _read(connection: Connection, query: Select[Any]) -> list[JsonObject]:
    return _render_all(connection, connection.execute(query).mappings().all())


def _render_all(connection: Connection, rows: Sequence[RowMapping]) -> list[JsonObject]:
    labels = _seats(connection, [row["id"] for row in rows if row["status"] == "held"])
    return [_render(row, labels[row["id"]]) for row in rows]


def _seats(connection: Connection, hold_ids: Sequence[UUID]) -> defaultdict[UUID, list[str]]:
    found: defaultdict[UUID, list[str]] = defaultdict(list)
    if hold_ids:
        query = select(seats.c.hold_id, seats.c.label).where(seats.c.hold_id.in_(hold_ids))
        for hold_id, label in connection.execute(query.order_by(seats.c.hold_id, seats.c.position)):
            found[hold_id].append(label)
    return found


def _render(row: RowMapping, labels: Sequence[str]) -> JsonObject:
    return {
        "id": row["id"],
        "ticket_class_id": row["external_id"],
        "quantity": row["quantity"],
        "seats": labels,
        "unit_price": str(row["unit_price"]),
        "expires_at": row["expires_at"],
        "status": row["status"],
        "order_id": row["order_id"],
        "created_at": row["created_at"],
    }
