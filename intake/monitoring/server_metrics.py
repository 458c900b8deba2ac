"""The metrics that are read from the database and the broker, by the process that is scraped."""

import asyncio
from typing import Any

from prometheus_client import CollectorRegistry
from sqlalchemy import Engine

from intake.monitoring.backlog_metrics import BacklogMetrics
from intake.monitoring.outbox_metrics import OutboxMetrics
from intake.monitoring.queue_metrics import QueueMetrics
from intake.monitoring.sales_metrics import SalesMetrics
from intake.monitoring.scraped import Scraped
from worker.runtime.settings import Settings


class ServerMetrics:
    """Outbox, backlog, queues and sales; for one event loop."""

    def __init__(self, engine: Engine, settings: Settings) -> None:
        self._queues = QueueMetrics(settings)
        self._public: list[Scraped[Any]] = [OutboxMetrics(engine), BacklogMetrics(engine), self._queues]
        # What a tenant sells is not for everybody who can reach the intake.
        self._private: list[Scraped[Any]] = [SalesMetrics(engine)] if settings.intake_metrics_port else []

    async def refreshed(self) -> CollectorRegistry:
        """Return the metrics, current; what a server does not tell is NaN, or left out."""
        registry = CollectorRegistry()
        parts = [*self._public, *self._private]
        await asyncio.gather(*(part.refresh() for part in parts))
        for part in parts:
            registry.register(part)
        return registry

    def close(self) -> None:
        """Disconnect from the broker."""
        self._queues.close()
