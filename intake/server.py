"""The intake as a process: uvicorn, set up for production."""

import asyncio
import gc
import logging
import math
import resource
import signal
import socket
import sys
from collections.abc import Sequence
from functools import partial
from types import FrameType
from typing import Any

import uvicorn

from intake.app import create_app
from intake.edge.accepting import Acceptor
from intake.edge.allocator import return_large_buffers
from intake.edge.crowd import Crowd
from intake.edge.protocol import BoundedProtocol
from intake.monitoring.metrics_port import MetricsPort
from intake.monitoring.process_metrics import PROCESSES
from intake.parts import parts_of
from intake.routes.health import refresh
from intake.serving.open_counts import OpenCounts
from intake.serving.siblings import Sibling, opened
from intake.web.limits import limits_of
from intake.web.unexpected import tell_of
from worker.runtime.logs import set_up_logs
from worker.runtime.settings import Settings
from worker.runtime.tracing import set_up_tracing

log = logging.getLogger(__name__)

_GRACEFUL_SECONDS = 15
GOODBYE_SECONDS = 1.0  # how long idle connections stay open at the end
_OTHER_FILES = 256  # the database, the broker, documents
_SWEEP_SECONDS = 0.5  # between two sweeps for slow clients
# How long the publisher's thread may wait for the event loop to release the interpreter. The default of 5 ms
# applies several times per group; this value halves the duration of a lone call.
SWITCH_SECONDS = 0.001


class IntakeServer(uvicorn.Server):
    """A server with limits on clients; at shutdown its calls stop waiting for outcomes."""

    def __init__(self, settings: Settings, sibling: Sibling | None = None) -> None:
        self.app = create_app(settings, sibling)
        self._settings = settings
        self._sibling = sibling
        self._counts: OpenCounts | None = None
        self._metrics: MetricsPort | None = None
        self.has_failed = False
        self._crowd = Crowd()
        logging.getLogger("uvicorn.error").addFilter(_told_already)
        super().__init__(
            uvicorn.Config(
                self.app,
                host=settings.intake_host,
                port=settings.intake_port,
                loop="uvloop",
                http=partial(BoundedProtocol, limits=limits_of(settings), crowd=self._crowd),  # type: ignore[arg-type]
                ws="none",
                lifespan="on",
                log_config=None,  # ours is already set up
                access_log=False,  # ours logs no queries: they may hold an e-mail address
                server_header=False,
                timeout_keep_alive=math.ceil(settings.idle_seconds),
                timeout_graceful_shutdown=_GRACEFUL_SECONDS,
            )
        )

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, and sweep the connections."""
        self._sweeper = asyncio.create_task(self._sweep())  # referenced, or it might be garbage-collected
        await super().startup([] if self._sibling else sockets)
        PROCESSES.set(1)
        if self._sibling is not None:
            self._share(self._sibling, sockets or ())
            self._sibling.mark_started()
        if self.started and self._settings.intake_metrics_port:
            self._open_metrics(self._settings.metrics_host, self._settings.intake_metrics_port)

    def _share(self, sibling: Sibling, sockets: Sequence[socket.socket]) -> None:
        self._counts = counts = sibling.open_counts()

        def lead() -> int:
            self._tell_count()
            return counts.lead()

        # uvicorn only closes them and waits.
        self.servers += [Acceptor(one, self._protocol, lead) for one in sockets]  # type: ignore[misc]

    def _tell_count(self) -> None:
        if self._counts is not None:
            self._counts.write(len(self.server_state.connections))

    def _protocol(self) -> asyncio.Protocol:
        """Return the protocol of a new connection, as uvicorn's own servers do."""
        make: Any = self.config.http_protocol_class
        protocol: asyncio.Protocol = make(
            config=self.config, server_state=self.server_state, app_state=self.lifespan.state
        )
        return protocol

    def _open_metrics(self, host: str, port: int) -> None:
        sockets = opened(self._sibling.metrics_sockets) if self._sibling else []
        try:
            self._metrics = MetricsPort(host, port, partial(refresh, self.app), sockets)
        except OSError as error:
            log.error(
                "the metrics cannot be served: set WILLCALL_INTAKE_METRICS_PORT to a free port, and"
                " WILLCALL_METRICS_HOST to an address of this machine",
                extra={"host": host, "port": port, "reason": error.strerror},
            )
            self.has_failed = self.should_exit = True

    async def _sweep(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(_SWEEP_SECONDS)
            try:
                self._crowd.check(loop.time())
                self._tell_count()
                if self.started:
                    parts_of(self.app).pool_metrics.show()
            except Exception as error:  # noqa: BLE001 - without the sweep, slow senders would stay forever
                tell_of(error)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Stop after the current calls; at once after a second Ctrl-C.

        uvicorn would raise the signal again at the end; a signal to stop is no failure here.
        """
        self.force_exit = self.should_exit and sig == signal.SIGINT
        self.should_exit = True

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Answer waiting calls with 202, finish the current calls, and close."""
        if self._counts is not None:
            self._counts.leave()
            self._counts = None
        parts_of(self.app).answers.stop()
        if self._metrics is not None:
            await asyncio.to_thread(self._metrics.close)
        await self._say_goodbye()
        await super().shutdown(sockets)
        self.app.state.call_book.flush()

    async def _say_goodbye(self) -> None:
        """Accept no more connections, and close each open one after its next answer.

        Closing an idle connection at once would break a call that is already on its way, and the client
        could not know whether it was accepted.
        """
        for server in self.servers:
            server.close()
        state, loop = self.server_state, asyncio.get_running_loop()
        state.default_headers = [*state.default_headers, (b"connection", b"close")]
        for connection in list(state.connections):
            if not (isinstance(connection, BoundedProtocol) and connection.is_idle):
                connection.shutdown()  # which says so in the current answer
        until = loop.time() + GOODBYE_SECONDS
        while state.connections and loop.time() < until and not self.force_exit:  # noqa: ASYNC110 - uvicorn has no event for it
            await asyncio.sleep(0.02)


def serve(settings: Settings, sibling: Sibling | None = None) -> None:
    """Serve until SIGINT or SIGTERM; return once the last call is answered.

    Raises `SystemExit` if a port is taken. Called in the main thread, as signals are.
    """
    set_up_logs(settings, sibling.name if sibling else None)
    set_up_tracing(settings, "willcall-intake")
    logging.getLogger("uvicorn.error").addFilter(_without_colours)
    _allow_files(settings.max_connections + _OTHER_FILES)
    server = IntakeServer(settings, sibling)
    tune_process()
    server.run(opened(sibling.sockets) if sibling else None)
    if not server.started or server.has_failed:
        raise SystemExit(1)


def tune_process() -> None:
    """Set what Python and its allocator do for all calls; called once everything is loaded."""
    sys.setswitchinterval(SWITCH_SECONDS)
    # The objects loaded so far stay forever: scanning them for cycles, repeatedly during the parsing of a
    # large body, took four times as long as the parsing.
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 20)  # a call leaves some two objects in cycles
    return_large_buffers()


def _allow_files(count: int) -> None:
    """Raise the process's limit of open files, if permitted; many systems begin with 1,024."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < count:
        most = count if hard == resource.RLIM_INFINITY else min(count, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


def _without_colours(record: logging.LogRecord) -> bool:
    """Keep the log record, without uvicorn's coloured duplicate of its text."""
    record.__dict__.pop("color_message", None)
    return True


def _told_already(record: logging.LogRecord) -> bool:
    """Drop uvicorn's message about an answer that ended early: `LastResort` has logged the reason."""
    return record.msg != "ASGI callable returned without completing response."
