"""What happens now: orders, outcomes, what waits, and what went wrong."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, Row

from intake.operator.view import View
from orders.outbox import unsent

WINDOW: Final = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Figures:
    """The figures of the first page."""

    orders_last_minute: int
    outcomes: list[Row[Any]]
    """Of the last ten minutes: `kind`, `status` and their `count`."""
    refusals: list[Row[Any]]
    """Of the last ten minutes: `code`, `count` and an `example`, the most frequent first."""
    unsent_events: int
    unsent_seconds: float
    delayed: int
    early: int
    dead_letters: int
    discrepancies: int

    @property
    def orders_per_second(self) -> float:
        """Return the rate of the last minute."""
        return self.orders_last_minute / 60


def read_figures(connection: Connection, view: View, now: datetime) -> Figures:
    """Return the figures of whom the view shows; events on their way are everybody's."""
    since = now - WINDOW
    [recent] = view.rows(
        connection,
        f"SELECT count(*) FROM orders WHERE {view.restricted()} updated_at >= :since"  # noqa: S608
        " AND created_at >= :since",
        since=now - timedelta(minutes=1),
    )
    outcomes = view.rows(
        connection,
        f"SELECT kind, status, count(*) FROM requests WHERE {view.restricted()} processed_at >= :since"  # noqa: S608
        " GROUP BY kind, status ORDER BY kind, status",
        since=since,
    )
    sent = unsent(connection)
    return Figures(
        orders_last_minute=recent[0],
        outcomes=outcomes,
        refusals=read_refusals(connection, view, since),
        unsent_events=sent.count,
        unsent_seconds=sent.age_seconds,
        delayed=_count(connection, view, "delayed_requests", "attempts > 0"),
        early=_count(connection, view, "delayed_requests", "attempts = 0"),
        dead_letters=_count(connection, view, "dead_letters", "true"),
        discrepancies=view.rows(
            connection,
            f"SELECT count(*) FROM discrepancies WHERE {view.restricted()} true",  # noqa: S608
        )[0][0],
    )


def read_refusals(connection: Connection, view: View, since: datetime) -> list[Row[Any]]:
    """Return why requests were refused since then: each first reason's code, how often, and an example."""
    return view.rows(
        connection,
        "SELECT errors->0->>'code' AS code, count(*), min(errors->0->>'message') AS example FROM requests"  # noqa: S608
        f" WHERE {view.restricted()} status = 'rejected' AND processed_at >= :since"
        " GROUP BY 1 ORDER BY 2 DESC LIMIT 20",
        since=since,
    )


def _count(connection: Connection, view: View, table: str, condition: str) -> int:
    whose = "" if view.tenant is None else "tenant = :tenant AND "
    statement = f"SELECT count(*) FROM {table} WHERE {whose}{condition}"  # noqa: S608 - constants
    return int(view.rows(connection, statement, tenant=view.tenant)[0][0])
