"""Announcing batches from a thread of its own: orders must not wait for a dashboard."""

import logging
import queue
import threading
from collections.abc import Sequence
from contextlib import suppress
from typing import Final

from worker.broker.deliveries import Delivery
from worker.flower_events import Announcer

log = logging.getLogger(__name__)

_Batch = tuple[Sequence[Delivery], str, float]

_END: Final = None


class Announcements(threading.Thread):
    """Announces one batch after the other; those that commit meanwhile are left out."""

    def __init__(self, announcer: Announcer) -> None:
        super().__init__(name="announcements", daemon=True)
        self._announcer = announcer
        self._next: queue.Queue[_Batch | None] = queue.Queue(maxsize=1)

    def announce(self, batch: Sequence[Delivery], summary: str, started: float) -> None:
        """Announce a committed batch, which began at `started` (Unix seconds)."""
        with suppress(queue.Full):
            self._next.put_nowait((batch, summary, started))

    def close(self) -> None:
        """End after the current announcement; returns at once."""
        with suppress(queue.Full):
            self._next.put_nowait(_END)

    def run(self) -> None:
        while (batch := self._next.get()) is not _END:
            self._announcer.announce(*batch)
        self._announcer.close()
