"""Announcing batches from a thread of its own: orders must not wait for a dashboard."""

import logging
import queue
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Final

from worker.broker.deliveries import Delivery
from worker.flower_events import Announcer

log = logging.getLogger(__name__)

_Batch = tuple[Sequence[Delivery], str, float]

_END: Final = None

_SECONDS_BETWEEN: Final = 1.0


class Announcements(threading.Thread):
    """Announces a batch a second: to wake this thread for each would slow small batches down."""

    def __init__(self, announcer: Announcer) -> None:
        super().__init__(name="announcements", daemon=True)
        self._announcer = announcer
        self._next: queue.Queue[_Batch | None] = queue.Queue(maxsize=1)
        self._next_at = 0.0

    def announce(self, batch: Sequence[Delivery], summary: str, started: float) -> None:
        """Announce a committed batch, which began at `started` (Unix seconds), if it is time for one."""
        now = time.monotonic()
        if now < self._next_at:
            return
        self._next_at = now + _SECONDS_BETWEEN
        with suppress(queue.Full):  # the broker keeps it waiting
            self._next.put_nowait((batch, summary, started))

    def close(self) -> None:
        """End after the current announcement; returns at once."""
        with suppress(queue.Full):
            self._next.put_nowait(_END)

    def run(self) -> None:
        while (batch := self._next.get()) is not _END:
            self._announcer.announce(*batch)
        self._announcer.close()
