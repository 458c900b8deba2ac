"""Metrics that are read from a server when they are scraped, at most every few seconds."""

import asyncio
import logging
import time
from abc import abstractmethod
from collections.abc import Iterable
from typing import Final, Generic, TypeVar

from anyio import CapacityLimiter, to_thread
from prometheus_client import CollectorRegistry, Metric
from prometheus_client.registry import Collector

log = logging.getLogger(__name__)

T = TypeVar("T")

_CACHED_SECONDS: Final = 5.0
_LONGEST_CACHED_SECONDS: Final = 30.0
_PATIENCE_SECONDS: Final = 3.0

_AT_WORK: Final = 0.02
"""The share of a server's time that reading should take at most: what takes long is read less often."""


class Scraped(Collector, Generic[T]):
    """Metrics of what was read last, or of None, if the server did not answer; for one event loop.

    A `Gauge` would be shown for each process that counts with others: here the one that is scraped reads.
    """

    def __init__(self) -> None:
        self._lock = asyncio.Lock()
        # A thread of its own: it must not wait behind the calls that are slow for the same reason.
        self._limiter = CapacityLimiter(1)
        self._next_at = float("-inf")
        self._found: T | None = None

    @abstractmethod
    def read(self) -> T:
        """Ask the server; runs in a thread."""

    @abstractmethod
    def show(self, found: T | None) -> Iterable[Metric]:
        """Return the metrics for what was read, or for None, if it is unknown."""

    def collect(self) -> Iterable[Metric]:
        """Return the metrics of the last reading."""
        return self.show(self._found)

    async def refresh(self) -> None:
        """Read, unless that was done just now."""
        async with self._lock:  # whoever comes meanwhile waits for the answer
            began = time.monotonic()
            if began < self._next_at:
                return
            self._found = await self._ask()
            ended = time.monotonic()
            self._next_at = ended + _CACHED_SECONDS
            if self._found is not None:  # an outage should not be shown for longer than it lasts
                self._next_at = ended + _cached_seconds(ended - began)

    async def refreshed(self) -> CollectorRegistry:
        """Return the metrics in a registry of their own, current."""
        await self.refresh()
        registry = CollectorRegistry()
        registry.register(self)
        return registry

    async def _ask(self) -> T | None:
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS):
                return await to_thread.run_sync(self.read, limiter=self._limiter, abandon_on_cancel=True)
        except Exception as error:  # noqa: BLE001 - whatever the client library raises, the figures are unknown
            log.warning("figures for the metrics are unknown", extra={"error": type(error).__name__})
            return None


def _cached_seconds(seconds: float) -> float:
    return min(max(seconds / _AT_WORK, _CACHED_SECONDS), _LONGEST_CACHED_SECONDS)
