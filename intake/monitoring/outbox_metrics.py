"""The size of the outbox, for `/metrics`: read from the database at most every few seconds."""

import asyncio
import math
import time
from collections.abc import Iterable
from typing import Final

from anyio import CapacityLimiter, to_thread
from prometheus_client import CollectorRegistry, Metric
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from sqlalchemy import Engine, text
from sqlalchemy.exc import SQLAlchemyError

from orders.outbox import Unsent, unsent

_CACHED_SECONDS: Final = 5.0
_PATIENCE_SECONDS: Final = 3.0

# A million rows take a tenth of a second.
_BOUND: Final = text("SET LOCAL statement_timeout = '2s'")


class Shown(Collector):
    """What was found, as metrics. A `Gauge` would be shown for each process that counts with others."""

    def __init__(self) -> None:
        self.found: Unsent | None = None

    def collect(self) -> Iterable[Metric]:
        found = self.found
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


class OutboxMetrics:
    """Two gauges, current when read, or NaN if the database does not answer; for one event loop."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._lock = asyncio.Lock()
        # A thread of its own: it must not wait behind the calls that are slow for the same reason.
        self._limiter = CapacityLimiter(1)
        self._read_at = float("-inf")
        self._shown = Shown()
        self._registry = CollectorRegistry()
        self._registry.register(self._shown)

    async def refreshed(self) -> CollectorRegistry:
        """Return the gauges, after the database was asked, unless that was done just now."""
        async with self._lock:  # whoever comes meanwhile waits for the answer
            if time.monotonic() - self._read_at > _CACHED_SECONDS:
                self._shown.found = await self._ask()
                self._read_at = time.monotonic()
        return self._registry

    async def _ask(self) -> Unsent | None:
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS):
                return await to_thread.run_sync(self._read, limiter=self._limiter, abandon_on_cancel=True)
        except (TimeoutError, SQLAlchemyError):
            return None

    def _read(self) -> Unsent:
        with self._engine.begin() as connection:
            connection.execute(_BOUND)
            return unsent(connection)
