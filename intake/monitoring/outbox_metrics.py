"""The size of the outbox, for `/metrics`."""

import math
from collections.abc import Iterable
from typing import Final

from prometheus_client import Metric
from prometheus_client.core import GaugeMetricFamily
from sqlalchemy import Engine, text

from intake.monitoring.scraped import Scraped
from orders.outbox import Unsent, unsent

# A million rows take a tenth of a second.
_BOUND: Final = text("SET LOCAL statement_timeout = '2s'")


def show_outbox(found: Unsent | None) -> Iterable[Metric]:
    """Return the metrics; NaN: the database does not answer."""
    yield GaugeMetricFamily(
        "willcall_outbox_unsent",
        "Unsent event messages.",
        value=math.nan if found is None else found.count,
    )
    yield GaugeMetricFamily(
        "willcall_outbox_oldest_seconds",
        "Age of the oldest unsent event message; 0 if all are sent.",
        value=math.nan if found is None else found.age_seconds,
    )


class OutboxMetrics(Scraped[Unsent]):
    """Two gauges of the outbox."""

    def __init__(self, engine: Engine) -> None:
        super().__init__()
        self._engine = engine

    def show(self, found: Unsent | None) -> Iterable[Metric]:
        return show_outbox(found)

    def read(self) -> Unsent:
        with self._engine.begin() as connection:
            connection.execute(_BOUND)
            return unsent(connection)
