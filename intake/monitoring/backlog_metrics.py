"""What waits in the database, for `/metrics`: delayed requests, dead letters, discrepancies."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from prometheus_client import Metric
from prometheus_client.core import GaugeMetricFamily
from sqlalchemy import Engine, text

from intake.monitoring.scraped import Scraped

_BOUND: Final = text("SET LOCAL statement_timeout = '2s'")

_BACKLOG: Final = text("""
    SELECT count(*) FILTER (WHERE attempts = 0) AS new, count(*) FILTER (WHERE attempts > 0) AS failed,
        greatest(coalesce(extract(epoch FROM statement_timestamp() - min(next_attempt_at)), 0), 0) AS overdue,
        (SELECT count(*) FROM dead_letters) AS dead_letters
    FROM delayed_requests
""")

_DISCREPANCIES: Final = text("SELECT rule, count(*) FROM discrepancies GROUP BY rule ORDER BY rule")


@dataclass(frozen=True, slots=True)
class Backlog:
    """Counts of rows, and the seconds since the time of the most overdue delayed request."""

    new: int
    failed: int
    overdue_seconds: float
    dead_letters: int
    discrepancies: Mapping[str, int]


def show_backlog(found: Backlog | None) -> Iterable[Metric]:
    """Return the metrics; NaN: the database does not answer."""
    delayed = GaugeMetricFamily(
        "willcall_delayed_requests",
        "Requests that wait as rows; new: for what they name, or for their time; failed: for a retry.",
        labels=["state"],
    )
    delayed.add_metric(["new"], math.nan if found is None else found.new)
    delayed.add_metric(["failed"], math.nan if found is None else found.failed)
    yield delayed
    yield GaugeMetricFamily(
        "willcall_delayed_overdue_seconds",
        "How long the most overdue of the delayed requests has been due; 0 if none is.",
        value=math.nan if found is None else found.overdue_seconds,
    )
    yield GaugeMetricFamily(
        "willcall_dead_letters_stored",
        "Dead letters that nobody has replayed or discarded yet.",
        value=math.nan if found is None else found.dead_letters,
    )
    discrepancies = GaugeMetricFamily(
        "willcall_discrepancies_open",
        "Discrepancies that the last reconciliation found, by rule; rules without any are left out.",
        labels=["rule"],
    )
    for rule, count in (found.discrepancies if found else {}).items():
        discrepancies.add_metric([rule], count)
    yield discrepancies


class BacklogMetrics(Scraped[Backlog]):
    """Gauges of the rows that wait for somebody."""

    def __init__(self, engine: Engine) -> None:
        super().__init__()
        self._engine = engine

    def show(self, found: Backlog | None) -> Iterable[Metric]:
        return show_backlog(found)

    def read(self) -> Backlog:
        with self._engine.begin() as connection:
            connection.execute(_BOUND)
            row = connection.execute(_BACKLOG).one()
            rules = {rule: int(count) for rule, count in connection.execute(_DISCREPANCIES)}
        return Backlog(row.new, row.failed, float(row.overdue), row.dead_letters, rules)
