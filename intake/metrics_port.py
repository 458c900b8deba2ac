"""The intake's metrics on a port of their own, where no public path shows them."""

import asyncio
from collections.abc import Iterable
from typing import Final
from wsgiref.simple_server import WSGIServer

from prometheus_client import REGISTRY, CollectorRegistry, Metric, start_http_server
from prometheus_client.registry import Collector

from intake.outbox_metrics import OutboxMetrics
from worker.metrics import HOST

_PATIENCE_SECONDS: Final = 10.0


class MetricsPort:
    """Answers `GET /metrics` in threads of its own, until it is closed."""

    def __init__(self, port: int, outbox: OutboxMetrics) -> None:
        """Listen on loopback. Called in the event loop. Raises `OSError`, if the port is taken for one."""
        registry = CollectorRegistry(auto_describe=False)
        registry.register(REGISTRY)
        registry.register(_Refreshed(outbox, asyncio.get_running_loop()))
        self._server: WSGIServer = start_http_server(port, addr=HOST, registry=registry)[0]

    def close(self) -> None:
        """Close the port. Blocks: not for the event loop."""
        self._server.shutdown()
        self._server.server_close()


class _Refreshed(Collector):
    """What the outbox holds, asked for by the event loop, which asks for all at once."""

    def __init__(self, outbox: OutboxMetrics, loop: asyncio.AbstractEventLoop) -> None:
        self._outbox = outbox
        self._loop = loop

    def collect(self) -> Iterable[Metric]:
        asyncio.run_coroutine_threadsafe(self._outbox.refresh(), self._loop).result(_PATIENCE_SECONDS)
        return self._outbox.registry.collect()
