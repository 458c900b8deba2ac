"""A ticket class on sale: its sales over time, and the tickets left."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Connection, Row

from intake.operator.view import View

WINDOWS: Final = {
    "15m": timedelta(minutes=15),
    "1h": timedelta(hours=1),
    "6h": timedelta(hours=6),
    "24h": timedelta(hours=24),
    "7d": timedelta(days=7),
}
_POINTS: Final = 60
_WIDTH, _HEIGHT = 600, 160

_CLASSES: Final = (
    "SELECT c.id, c.name, c.external_id, c.capacity, c.sold, c.held,"
    " c.capacity - c.sold - c.held AS free, e.name AS event, e.starts_at, t.name AS tenant"
    " FROM ticket_classes c JOIN events e ON e.id = c.event_id JOIN tenants t ON t.id = e.tenant_id"
)


@dataclass(frozen=True, slots=True)
class Curve:
    """Tickets sold over a window, as an SVG path in a box of 600 by 160."""

    path: str
    sold: int
    most: int
    """In one of the sixty parts of the window."""
    seconds_a_part: int
    since: datetime


def list_classes(connection: Connection, view: View, now: datetime) -> list[Row[Any]]:
    """Return the ticket classes of events that are not over, with the tickets left, at most 500."""
    return view.rows(
        connection,
        f"{_CLASSES} WHERE {view.restricted('e.tenant_id')} e.ends_at >= :now"
        " ORDER BY e.starts_at, e.name, c.external_id LIMIT 500",
        now=now,
    )


def find_class(connection: Connection, view: View, class_id: UUID) -> Row[Any] | None:
    """Return one ticket class with its event, or None."""
    found = view.rows(
        connection,
        f"{_CLASSES} WHERE {view.restricted('e.tenant_id')} c.id = :id",
        id=class_id,
    )
    return found[0] if found else None


def list_best_sellers(connection: Connection, view: View, since: datetime, *, limit: int) -> list[Row[Any]]:
    """Return the ticket classes that sold most since then (`recently`), with the tickets left of each."""
    return view.rows(
        connection,
        "SELECT c.id, c.name, c.external_id, c.capacity, c.sold, c.held,"  # noqa: S608
        " c.capacity - c.sold - c.held AS free, e.name AS event, t.name AS tenant, s.recently"
        " FROM (SELECT l.ticket_class_id, sum(l.quantity)::int AS recently"
        "  FROM orders o JOIN order_lines l ON l.order_id = o.id"
        f"  WHERE {view.restricted('o.tenant_id')} o.updated_at >= :since AND o.created_at >= :since"
        "  AND o.status <> 'cancelled' GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT :most) s"
        " JOIN ticket_classes c ON c.id = s.ticket_class_id JOIN events e ON e.id = c.event_id"
        " JOIN tenants t ON t.id = e.tenant_id ORDER BY s.recently DESC, c.id",
        since=since,
        most=limit,
    )


def read_curve(connection: Connection, view: View, class_id: UUID, window: timedelta, now: datetime) -> Curve:
    """Return the curve of the tickets that were sold in the window and not cancelled since."""
    part = window / _POINTS
    since = now - window
    rows = view.rows(
        connection,
        "SELECT floor(extract(epoch FROM o.created_at - CAST(:since AS timestamptz))"  # noqa: S608
        " / CAST(:part AS float8))::int AS part, sum(l.quantity)::int AS sold"
        " FROM orders o JOIN order_lines l ON l.order_id = o.id"
        f" WHERE {view.restricted('o.tenant_id')} o.updated_at >= :since AND o.created_at >= :since"
        " AND o.status <> 'cancelled' AND l.ticket_class_id = :id GROUP BY 1",
        since=since,
        part=part.total_seconds(),
        id=class_id,
    )
    sold = [0] * _POINTS
    for row in rows:
        sold[min(row.part, _POINTS - 1)] += row.sold
    return Curve(_path(sold), sum(sold), max(sold), max(round(part.total_seconds()), 1), since)


def _path(sold: list[int]) -> str:
    most = max(*sold, 1)
    step = _WIDTH / (len(sold) - 1)
    points = (
        f"{index * step:.1f},{_HEIGHT - count / most * _HEIGHT:.1f}" for index, count in enumerate(sold)
    )
    return "M" + " L".join(points)
