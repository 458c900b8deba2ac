"""Reads the depths of the queues once a second, so that no call has to ask the broker."""

import asyncio
import logging
import math
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Final

from anyio import CapacityLimiter, to_thread
from kombu import Connection

from intake.quotas.queued import Queued
from willcall.connections import blame, drop, open_connection
from willcall.queues import ORDERS, is_amqp, order_queues, queues, share_queue
from worker.broker.depths import depths_of
from worker.runtime.metrics import QUEUE_MESSAGES
from worker.runtime.settings import Settings

log = logging.getLogger(__name__)

LOOK_SECONDS: Final = 1.0
"""Between two readings."""

_KNOWN_SECONDS: Final = 5.0
"""The maximum age of a depth that refuses a call."""

_PATIENCE_SECONDS: Final = 2.0
"""The time limit of one answer of the broker."""


class DepthWatch:
    """Passes the queues' depths to `Queued`, over its own connection; for one event loop.

    If the broker does not answer, the depths are unknown; nothing stops.
    """

    def __init__(self, settings: Settings, queued: Queued) -> None:
        self._settings = settings
        self._url = settings.broker()
        self._queues = order_queues(self._url)
        self._queued = queued
        self._shown = {ORDERS}  # the others once they hold messages: on Redis there are hundreds
        # Its own thread: it may wait for a silent broker for any time.
        self._limiter = CapacityLimiter(1)
        self._connection: Connection | None = None
        self._known_at = float("-inf")
        self._is_failing = False
        self._is_closed = False
        self._task: asyncio.Task[None] | None = None

    @property
    def is_known(self) -> bool:
        """Say whether the depths of all queues are current."""
        return time.monotonic() - self._known_at < _KNOWN_SECONDS

    def start(self) -> None:
        """Start reading; called inside the event loop."""
        self._task = asyncio.create_task(self._run())

    async def close(self) -> None:
        """End, without waiting for the broker."""
        self._is_closed = True
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
        self._disconnect()  # whoever still asks does so as well

    async def _run(self) -> None:
        while True:
            self._queued.look()
            try:
                depths = await to_thread.run_sync(self._ask, limiter=self._limiter, abandon_on_cancel=True)
            except Exception as error:  # noqa: BLE001 - after any error of the client library, the depths are unknown
                self._fail(error)
            else:
                self._succeed(depths)
            await asyncio.sleep(LOOK_SECONDS)

    def _ask(self) -> Mapping[str, int]:
        """Return the depths; runs in a thread. Raises the client library's errors."""
        try:
            if self._connection is None:
                self._connection = open_connection(self._url, self._settings, seconds=_PATIENCE_SECONDS)
                if is_amqp(self._url):
                    self._declare(self._connection.default_channel)
            return depths_of(self._connection, self._queues)
        except BaseException:
            if self._connection is not None:
                blame(self._connection)
            self._disconnect()
            raise
        finally:
            if self._is_closed:
                self._disconnect()

    def _declare(self, channel: Any) -> None:
        """Declare the queues, as every worker does: reading a missing queue is an error."""
        for queue in (queues(self._url)[0], *map(share_queue, self._queues[1:])):
            queue(channel).declare()

    def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            drop(connection)

    def _succeed(self, depths: Mapping[str, int]) -> None:
        self._queued.trim(depths)
        self._known_at = time.monotonic()
        self._shown.update(name for name, depth in depths.items() if depth)
        for name in self._shown:
            QUEUE_MESSAGES.labels(name).set(depths[name])
        if self._is_failing:
            log.info("the depths of the queues are known again")
        self._is_failing = False

    def _fail(self, error: Exception) -> None:
        for name in self._shown:
            QUEUE_MESSAGES.labels(name).set(math.nan)
        if not self._is_failing:
            log.warning("the depths of the queues are unknown", extra={"error": type(error).__name__})
        self._is_failing = True
