"""The intake's metrics on a port of their own, where no public path shows them."""

import asyncio
import socket
import threading
from collections.abc import Callable, Coroutine, Iterable, Sequence
from typing import Any, Final
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

from prometheus_client import CollectorRegistry, Metric, make_wsgi_app, start_http_server
from prometheus_client.exposition import ThreadingWSGIServer
from prometheus_client.registry import Collector

from intake.monitoring.process_metrics import usual_metrics

_PATIENCE_SECONDS: Final = 10.0
_ACCEPT_SECONDS: Final = 0.5

Refresh = Callable[[], Coroutine[Any, Any, CollectorRegistry]]
"""Updates the usual metrics, and returns a registry with others to show in addition."""


class MetricsPort:
    """Answers `GET /metrics` in threads of its own, until it is closed."""

    def __init__(self, host: str, port: int, refresh: Refresh, sockets: Sequence[socket.socket] = ()) -> None:
        """Listen, or take sockets that do already. Called in the event loop.

        Raises `OSError`, if the port is taken for one.
        """
        registry = CollectorRegistry(auto_describe=False)
        registry.register(_Refreshed(refresh, asyncio.get_running_loop()))  # first, as they are read in order
        registry.register(_Usual())
        self._servers: Sequence[WSGIServer] = (
            [_share(one, registry) for one in sockets]
            if sockets
            else [start_http_server(port, addr=host, registry=registry)[0]]
        )

    def close(self) -> None:
        """Close the port. Blocks: not for the event loop."""
        for server in self._servers:
            server.shutdown()
            server.server_close()


class _Refreshed(Collector):
    """What must be asked for before it is read, which the event loop does."""

    def __init__(self, refresh: Refresh, loop: asyncio.AbstractEventLoop) -> None:
        self._refresh = refresh
        self._loop = loop

    def collect(self) -> Iterable[Metric]:
        refreshing = asyncio.run_coroutine_threadsafe(self._refresh(), self._loop)
        return refreshing.result(_PATIENCE_SECONDS).collect()


class _Usual(Collector):
    def collect(self) -> Iterable[Metric]:
        return usual_metrics().collect()


def _share(listener: socket.socket, registry: CollectorRegistry) -> WSGIServer:
    server = _SharingServer(listener, registry)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


class _SharingServer(ThreadingWSGIServer):
    """A server on a socket that other processes accept from, too."""

    def __init__(self, listener: socket.socket, registry: CollectorRegistry) -> None:
        address = listener.getsockname()
        super().__init__(address, _SilentHandler, bind_and_activate=False)
        self.socket.close()
        # Who is told of a connection may find that another process has it.
        listener.settimeout(_ACCEPT_SECONDS)
        self.socket = listener
        self.server_name, self.server_port = address[:2]
        self.setup_environ()
        self.set_app(make_wsgi_app(registry))


class _SilentHandler(WSGIRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        pass
