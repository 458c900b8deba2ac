"""The intake's metrics on a port of their own, where no public path shows them."""

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from typing import Any, Final
from wsgiref.simple_server import WSGIServer

from prometheus_client import REGISTRY, CollectorRegistry, Metric, start_http_server
from prometheus_client.registry import Collector

_PATIENCE_SECONDS: Final = 10.0

Refresh = Callable[[], Coroutine[Any, Any, CollectorRegistry]]
"""Brings the usual metrics up to date, and returns others beside them."""


class MetricsPort:
    """Answers `GET /metrics` in threads of its own, until it is closed."""

    def __init__(self, host: str, port: int, refresh: Refresh) -> None:
        """Listen. Called in the event loop. Raises `OSError`, if the port is taken for one."""
        registry = CollectorRegistry(auto_describe=False)
        registry.register(_Refreshed(refresh, asyncio.get_running_loop()))  # first, as they are read in order
        registry.register(REGISTRY)
        self._server: WSGIServer = start_http_server(port, addr=host, registry=registry)[0]

    def close(self) -> None:
        """Close the port. Blocks: not for the event loop."""
        self._server.shutdown()
        self._server.server_close()


class _Refreshed(Collector):
    """What must be asked for before it is read, which the event loop does."""

    def __init__(self, refresh: Refresh, loop: asyncio.AbstractEventLoop) -> None:
        self._refresh = refresh
        self._loop = loop

    def collect(self) -> Iterable[Metric]:
        refreshing = asyncio.run_coroutine_threadsafe(self._refresh(), self._loop)
        return refreshing.result(_PATIENCE_SECONDS).collect()
