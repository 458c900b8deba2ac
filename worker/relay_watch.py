"""Watching the progress of this process's relay: without progress the process ends, to be restarted.

Each call of the relay has a timeout of its own. This covers unforeseen causes, and Celery's own connections.
"""

import logging
import os
import threading
import time
from typing import Any, Final

from celery import bootsteps
from celery.signals import task_prerun

from tasks.maintenance import SWEEP
from tasks.progress import PROGRESS
from tasks.relay import RELAY, wake_relay
from willcall.connections import drop, open_connection
from willcall.publishing import LONGEST_TRIES
from willcall.queues import OUTBOX
from worker.broker.depths import depth_of
from worker.runtime.settings import Settings, get_settings

log = logging.getLogger(__name__)

STUCK: Final = 70
"""The exit code (sysexits.h: internal software error)."""

_CONNECT_SECONDS: Final = 5.0


@task_prerun.connect
def _on_task(task: Any = None, **_: Any) -> None:
    if task is not None and task.name in (RELAY, SWEEP):
        PROGRESS.step()


class WatchRelay(bootsteps.StartStopStep):
    """Watches the relay in a worker that consumes `outbox`."""

    requires = ("celery.worker.components:Pool",)

    def __init__(self, worker: Any, **options: Any) -> None:
        self._watch: RelayWatch | None = None
        super().__init__(worker, **options)

    def include_if(self, worker: Any) -> bool:
        return OUTBOX in worker.app.amqp.queues.consume_from

    def start(self, worker: Any) -> None:
        self._watch = RelayWatch(get_settings())
        self._watch.start()

    def stop(self, worker: Any) -> None:
        if self._watch is not None:
            self._watch.stop()

    def terminate(self, worker: Any) -> None:
        self.stop(worker)


class RelayWatch(threading.Thread):
    """Ends the process when the relay makes no step for `WILLCALL_STUCK_SECONDS`, or the longest publish.

    Between two runs it is stuck only if messages wait in its queue that it does not take.
    """

    def __init__(self, settings: Settings) -> None:
        super().__init__(name="relay-watch", daemon=True)
        self._settings = settings
        # One wait for the broker does not count as stuck.
        self._stuck_seconds = max(settings.stuck_seconds, LONGEST_TRIES * settings.publish_timeout_seconds)
        self._every = min(1.0, self._stuck_seconds / 5)
        self._stopping = threading.Event()

    def stop(self) -> None:
        """Stop watching: a relay that is stopping takes nothing."""
        self._stopping.set()

    def run(self) -> None:
        PROGRESS.step()
        looked_at = time.monotonic()
        while not self._stopping.wait(self._every):
            if time.monotonic() - looked_at > self._stuck_seconds / 2:
                PROGRESS.step()  # the whole process was suspended, not only the relay
            looked_at = time.monotonic()
            if PROGRESS.idle_seconds <= self._stuck_seconds:
                continue
            if PROGRESS.is_running:
                self._end("a run of the relay makes no progress")
            self._look_at_queue()
            looked_at = time.monotonic()

    def _look_at_queue(self) -> None:
        waiting = self._waiting()
        if waiting is None or self._stopping.is_set() or PROGRESS.idle_seconds <= self._stuck_seconds:
            return
        if waiting:
            self._end(f"{waiting} messages wait in the queue {OUTBOX}, and this process takes none")
        # Nothing has woken the relay for this time: no beat may run. Wake it, and see whether it takes that.
        wake_relay()
        PROGRESS.step()

    def _waiting(self) -> int | None:
        """Return the number of messages that wait for a relay, or None if the broker is away."""
        try:
            connection = open_connection(
                self._settings.broker(), self._settings, seconds=min(_CONNECT_SECONDS, self._stuck_seconds)
            )
        except Exception:  # noqa: BLE001 - whatever the client library raises, the broker is away
            return None
        try:
            return depth_of(connection, OUTBOX).waiting
        except Exception:  # noqa: BLE001 - likewise
            return None
        finally:
            drop(connection)

    def _end(self, reason: str) -> None:
        seconds = round(PROGRESS.idle_seconds, 1)
        log.critical("the relay is stuck; its process ends", extra={"reason": reason, "seconds": seconds})
        logging.shutdown()
        # Not by an exception or a signal: a stuck thread would not notice it.
        os._exit(STUCK)
