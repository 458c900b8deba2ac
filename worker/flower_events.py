"""Task events of a batch for Flower, as those of one task, and never one for each order."""

import logging
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Final
from uuid import uuid4

from willcall.connections import drop, open_connection
from worker.broker.deliveries import Delivery
from worker.runtime.settings import get_settings

log = logging.getLogger(__name__)

_CONNECT_SECONDS: Final = 2.0


class Announcer:
    """Sends the events of a batch as those of one task."""

    def __init__(self, app: Any, hostname: str) -> None:
        self._app = app
        self._hostname = hostname
        self._dispatcher: Any = None

    def announce(self, batch: Sequence[Delivery], summary: str, started: float) -> None:
        """Send the events of a committed batch, which began at `started` (Unix seconds)."""
        try:
            self._send(batch, summary, started, time.time())
        except Exception as error:  # noqa: BLE001 - a dashboard must not stop the orders
            log.debug("a task event could not be sent", extra={"error": str(error)})
            self.close()

    def _send(self, batch: Sequence[Delivery], summary: str, started: float, now: float) -> None:
        dispatcher = self._connect()
        task = {"uuid": batch[0].message_id or str(uuid4())}
        requests = sum(delivery.requests for delivery in batch)
        dispatcher.send(
            "task-received",
            **task,
            name=batch[0].task,
            args="()",
            kwargs=f"messages={len(batch)} requests={requests}",
            timestamp=started,
        )
        dispatcher.send("task-started", **task, timestamp=started)
        dispatcher.send("task-succeeded", **task, result=summary, runtime=now - started, timestamp=now)

    def _connect(self) -> Any:
        if self._dispatcher is None:
            # A connection of its own, as Celery's consumer uses the worker's in another thread, and with a
            # short timeout.
            settings = get_settings()
            connection = open_connection(settings.broker(), settings, seconds=_CONNECT_SECONDS)
            self._dispatcher = self._app.events.Dispatcher(
                connection,
                hostname=self._hostname,
                enabled=True,
                buffer_while_offline=False,
            )
        return self._dispatcher

    def close(self) -> None:
        """Disconnect; the next batch reconnects."""
        dispatcher, self._dispatcher = self._dispatcher, None
        if dispatcher is not None:
            with suppress(Exception):  # it may be broken already
                dispatcher.close()
            drop(dispatcher.connection)
