"""A Celery bootstep that detects a consumer that takes nothing while messages wait, for any reason.

Each consumer has its own timeouts and checks; this covers what they miss. First the consumer's connection is
closed, so that it reconnects. If that does not help, the process ends with exit code 1: its supervisor
(`willcall up`, `willcall serve worker` with several processes, or the machine's) starts another, and its
messages return to the queue.
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

from willcall.connections import blame, drop, open_connection
from worker.broker.depths import depth_of
from worker.runtime.pulse import Pulse
from worker.runtime.settings import Settings, get_settings

log = logging.getLogger(__name__)

_LOOK_SECONDS: Final = 1.0

_LONGEST_LOOK_SECONDS: Final = 2 * _LOOK_SECONDS
"""The most that a look counts: a process that was stopped, or slept, has not waited meanwhile."""

_STUCK_SECONDS: Final = 6.0
"""After this time a consumer's connection is closed: at most 10 s with the check and the new connection."""

_ANSWER_SECONDS: Final = 4.0

_HOPELESS_SECONDS: Final = 60.0
"""After this time the process ends."""

_ENDING_SECONDS: Final = 30.0
"""How long a worker may take to end because of an error."""


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
        seconds, before = 0.0, time.monotonic()
        while not self._stopping.wait(_LOOK_SECONDS):
            now = time.monotonic()
            seconds += min(now - before, _LONGEST_LOOK_SECONDS)
            before = now
            try:
                watch.look(seconds)
            except Exception:  # the worker continues without it
                log.exception("the watchdog failed")

    # It runs until the process ends: stopping may hang as well.


class PulseWatch:
    """Ends calls to the broker that do not return."""

    def __init__(self, worker: Any) -> None:
        self._worker = worker
        self._seen: dict[Pulse, tuple[float, float]] = {}

    def look(self, now: float) -> None:
        """Check every thread that reports when it waits for the broker; called every second.

        `now` is in seconds of watching, as in the other watches.
        """
        pulses: list[Pulse] = getattr(self._worker, "pulses", [])
        for pulse in pulses:
            seconds = self._seconds_of(pulse, now)
            if seconds > _HOPELESS_SECONDS:
                end_process(f"a call to the broker has not returned for {seconds:.0f} s")
            if seconds > _STUCK_SECONDS and pulse.abort is not None:
                log.error("a call to the broker does not return; closing its connection")
                pulse.abort()

    def _seconds_of(self, pulse: Pulse, now: float) -> float:
        """Return how long the current call has been watched; 0 if there is none, or a new one."""
        call = pulse.waiting_since
        if call is None:
            return 0.0
        if self._seen.get(pulse, (None, 0.0))[0] != call:
            self._seen[pulse] = call, now
        return now - self._seen[pulse][1]


class CeleryWatch:
    """Restarts Celery's own consumer when it takes nothing while messages wait in its queues."""

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

    def look(self, now: float) -> None:
        """Check whether messages wait and none is taken; called every second."""
        consumer = getattr(self._worker, "consumer", None)
        if consumer is None or not self._is_starving(consumer):
            self._since, self._has_acted = None, False
            return
        self._since = self._since or now
        seconds = now - self._since
        if seconds > _HOPELESS_SECONDS:
            end_process(f"messages wait and Celery's consumer has taken none for {seconds:.0f} s")
        if seconds > _STUCK_SECONDS and not self._has_acted and consumer.hub is not None:
            self._has_acted = True
            log.error("messages wait and Celery's consumer takes none; reconnecting it")
            consumer.hub.call_soon(_fail)

    def _is_starving(self, consumer: Any) -> bool:
        # A consumer that is connecting logs that itself.
        progress = (self._received, consumer.restart_count, consumer.broker_connection_retry_attempt)
        has_moved, self._progress = progress != self._progress, progress
        if has_moved or len(state.reserved_requests) >= consumer.initial_prefetch_count:
            return False
        return any(self._queues.waits(name) for name in tuple(consumer.app.amqp.queues.consume_from))


class _Queues:
    """Tells whether messages wait, through a connection of its own."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._connection: Connection | None = None

    def waits(self, name: str) -> bool:
        """Tell whether a message waits in the queue; no, if the broker does not answer."""
        try:
            if self._connection is None:
                url = self._settings.broker()
                self._connection = open_connection(url, self._settings, seconds=_ANSWER_SECONDS)
            return bool(depth_of(self._connection, name).waiting)
        except Exception:  # noqa: BLE001 - whatever it is, the users of the broker report it
            connection, self._connection = self._connection, None
            if connection is not None:
                blame(connection)
                drop(connection)
            return False


def _fail() -> None:
    """Fail in the loop of Celery's consumer, which then closes its connection and opens another."""
    raise ConnectionResetError("messages wait and are not delivered")


class EndWatch:
    """Ends a worker that hangs while Celery ends it because of an error."""

    def __init__(self, worker: Any) -> None:
        self._worker = worker
        self._since: float | None = None

    def look(self, now: float) -> None:
        """Check whether the worker is ending; called every second."""
        if not self._worker.exitcode:
            return
        self._since = self._since or now
        if now - self._since > _ENDING_SECONDS:
            end_process("the worker ends because of an error, and hangs")


def end_process(reason: str) -> None:
    """End this process at once, as a hanging thread cannot be ended otherwise."""
    log.critical("the process ends, to be restarted", extra={"error": reason})
    logging.shutdown()
    os._exit(1)
