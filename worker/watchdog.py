"""A Celery bootstep that notices a consumer that takes nothing while messages wait, whatever the reason.

Each consumer has its own timeouts and checks; this is for what they do not see. First the consumer's
connection is ended, so that it connects again. Where that does not help the process ends with exit code 1:
its supervisor (`willcall up`, `willcall serve worker` with several processes, or that of the machine) starts
another, and what it held comes back to the queue.
"""

import logging
import os
import threading
import time
from typing import Any, Final

from celery import bootsteps
from celery.signals import task_received
from celery.worker import state
from kombu import Connection

from worker.broker.connections import blame, drop, open_connection
from worker.broker.depths import depth_of
from worker.runtime.pulse import Pulse
from worker.runtime.settings import Settings, get_settings

log = logging.getLogger(__name__)

_LOOK_SECONDS: Final = 1.0

_STUCK_SECONDS: Final = 7.0
"""After so long a consumer's connection is ended: with the look and the new connection 10 s at most."""

_ANSWER_SECONDS: Final = 4.0

_HOPELESS_SECONDS: Final = 60.0
"""After so long the process ends."""

_ENDING_SECONDS: Final = 30.0
"""How long a worker that ends because of an error may take for it."""


class Watchdog(bootsteps.StartStopStep):
    """Watches the consumers of a worker, in threads of their own."""

    requires = ("celery.worker.components:Pool",)

    def __init__(self, worker: Any, **options: Any) -> None:
        self._stopping = threading.Event()
        super().__init__(worker, **options)

    def start(self, worker: Any) -> None:
        watches = (PulseWatch(worker), CeleryWatch(worker), EndWatch(worker))
        for watch in watches:
            threading.Thread(target=self._run, args=(watch,), name=type(watch).__name__, daemon=True).start()

    def _run(self, watch: "PulseWatch | CeleryWatch | EndWatch") -> None:
        while not self._stopping.wait(_LOOK_SECONDS):
            try:
                watch.look()
            except Exception:  # the worker works on without it
                log.exception("the watchdog failed")

    # It runs until the process ends: stopping may hang as well.


class PulseWatch:
    """Ends calls of the broker that do not return."""

    def __init__(self, worker: Any) -> None:
        self._worker = worker

    def look(self) -> None:
        """Look at every thread that says when it waits for the broker; called every second."""
        pulses: list[Pulse] = getattr(self._worker, "pulses", [])
        for pulse in pulses:
            seconds = pulse.seconds
            if seconds > _HOPELESS_SECONDS:
                end_process(f"a call of the broker has not returned for {seconds:.0f} s")
            if seconds > _STUCK_SECONDS and pulse.abort is not None:
                log.error("a call of the broker does not return; its connection is ended")
                pulse.abort()


class CeleryWatch:
    """Restarts Celery's own consumer when it takes nothing and its queues are not empty."""

    def __init__(self, worker: Any) -> None:
        self._worker = worker
        self._queues = _Queues(get_settings())
        self._received = 0
        self._progress: object = None
        self._since: float | None = None
        self._has_acted = False
        task_received.connect(self._on_received)

    def _on_received(self, **_: Any) -> None:
        self._received += 1

    def look(self) -> None:
        """Compare what waits with what is taken; called every second."""
        consumer = getattr(self._worker, "consumer", None)
        if consumer is None or not self._is_starving(consumer):
            self._since, self._has_acted = None, False
            return
        now = time.monotonic()
        self._since = self._since or now
        seconds = now - self._since
        if seconds > _HOPELESS_SECONDS:
            end_process(f"messages wait and Celery's consumer has taken none for {seconds:.0f} s")
        if seconds > _STUCK_SECONDS and not self._has_acted and consumer.hub is not None:
            self._has_acted = True
            log.error("messages wait and Celery's consumer takes none; it connects again")
            consumer.hub.call_soon(_fail)

    def _is_starving(self, consumer: Any) -> bool:
        # A consumer that tries to connect says so itself.
        progress = (self._received, consumer.restart_count, consumer.broker_connection_retry_attempt)
        has_moved, self._progress = progress != self._progress, progress
        if has_moved or len(state.reserved_requests) >= consumer.initial_prefetch_count:
            return False
        return any(self._queues.waits(name) for name in tuple(consumer.app.amqp.queues.consume_from))


class _Queues:
    """Says whether messages wait, through a connection that nobody else uses."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._connection: Connection | None = None

    def waits(self, name: str) -> bool:
        """Say whether a message waits on the queue; no, if the broker does not answer."""
        try:
            if self._connection is None:
                url = self._settings.broker()
                self._connection = open_connection(url, self._settings, seconds=_ANSWER_SECONDS)
            return bool(depth_of(self._connection, name).waiting)
        except Exception:  # noqa: BLE001 - whatever it is: those that use the broker tell of it
            connection, self._connection = self._connection, None
            if connection is not None:
                blame(connection)
                drop(connection)
            return False


def _fail() -> None:
    """Fail in the loop of Celery's consumer, which then closes its connection and opens another."""
    raise ConnectionResetError("messages wait and do not come")


class EndWatch:
    """Ends a worker that Celery ends because of an error, if it does not come to its end."""

    def __init__(self, worker: Any) -> None:
        self._worker = worker
        self._since: float | None = None

    def look(self) -> None:
        """Look whether the worker is ending; called every second."""
        if not self._worker.exitcode:
            return
        self._since = self._since or time.monotonic()
        if time.monotonic() - self._since > _ENDING_SECONDS:
            end_process("the worker is to end because of an error, and does not come to its end")


def end_process(reason: str) -> None:
    """End this process at once: a thread that hangs cannot be ended otherwise."""
    log.critical("the process ends, to be started again", extra={"error": reason})
    logging.shutdown()
    os._exit(1)
