"""What is left of the ticket classes on sale, for the port of the metrics.

Each class is a series, and a monitoring server can keep a limited number of these: the classes sold most
lately are shown, and the others are summed.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from prometheus_client import Metric
from prometheus_client.core import GaugeMetricFamily
from sqlalchemy import Engine, text

from intake.monitoring.scraped import Scraped

SHOWN: Final = 20
"""Ticket classes with labels of their own."""

_LATEST_ORDERS: Final = 2_000
"""Which classes sell is told by the newest orders, so that it costs the same at any time."""

_OTHERS: Final = "(others)"

_BOUND: Final = text("SET LOCAL statement_timeout = '2s'")

# The ids of orders sort by time. NULL is the sum of the classes that are not shown.
_LEFT: Final = text("""
    WITH best AS MATERIALIZED (
        SELECT l.ticket_class_id AS id, sum(l.quantity) AS quantity
        FROM (SELECT id FROM orders ORDER BY id DESC LIMIT :orders) o
        JOIN order_lines l ON l.order_id = o.id
        GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT :shown
    )
    SELECT t.name AS tenant, e.name AS event, c.external_id AS ticket_class, c.name,
        c.capacity - c.sold - c.held AS free
    FROM best JOIN ticket_classes c ON c.id = best.id JOIN events e ON e.id = c.event_id
    JOIN tenants t ON t.id = c.tenant_id
    UNION ALL
    SELECT NULL, NULL, NULL, NULL, coalesce(sum(c.capacity - c.sold - c.held), 0)
    FROM ticket_classes c JOIN events e ON e.id = c.event_id
    WHERE e.ends_at > statement_timestamp() AND NOT EXISTS (SELECT FROM best WHERE best.id = c.id)
""")


@dataclass(frozen=True, slots=True)
class Left:
    """The tickets of a class that can still be sold, or the sum of those that are not shown."""

    labels: tuple[str, str, str, str]
    """Tenant, event, the class's id and its name."""
    free: int


def show_sales(found: Sequence[Left] | None) -> Iterable[Metric]:
    """Return the metric; without samples if the database does not answer."""
    family = GaugeMetricFamily(
        "willcall_tickets_left",
        f"Tickets left of the {SHOWN} ticket classes sold most lately; {_OTHERS}: of all others on sale."
        " Only on WILLCALL_INTAKE_METRICS_PORT.",
        labels=["tenant", "event", "ticket_class", "name"],
    )
    for one in found or ():
        family.add_metric(one.labels, one.free)
    yield family


class SalesMetrics(Scraped[Sequence[Left]]):
    """A gauge for each of the ticket classes that sell, and one for the rest."""

    def __init__(self, engine: Engine) -> None:
        super().__init__()
        self._engine = engine

    def show(self, found: Sequence[Left] | None) -> Iterable[Metric]:
        return show_sales(found)

    def read(self) -> Sequence[Left]:
        with self._engine.begin() as connection:
            connection.execute(_BOUND)
            rows = connection.execute(_LEFT, {"orders": _LATEST_ORDERS, "shown": SHOWN}).all()
        return [
            Left(
                (row.tenant, row.event, row.ticket_class, row.name)
                if row.ticket_class is not None
                else (_OTHERS,) * 4,
                row.free,
            )
            for row in rows
        ]
