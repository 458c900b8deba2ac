"""The running workers, which are asked at most every few seconds."""

import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final

from celery import Celery
from kombu import Connection

from tasks.breaker import REPORT_TROUBLE
from willcall.connections import open_connection
from worker.runtime.settings import Settings

_CACHED_SECONDS: Final = 5.0
_ANSWER_SECONDS: Final = 1.0
_CONNECT_SECONDS: Final = 2.0


@dataclass(frozen=True, slots=True)
class WorkerState:
    """One worker's report: its name, its queues, and its trouble, if any."""

    name: str
    queues: tuple[str, ...]
    trouble: str | None


def ask_workers(connection: Connection, seconds: float) -> dict[str, dict[str, Any]]:
    """Return the report of each worker that answers within the seconds, by its name.

    Raises what the client library raises; with a silent broker Celery retries the send forever.
    """
    with Celery(set_as_current=False) as app:
        app.control.mailbox.producer_pool = None  # otherwise it opens a connection of its own
        replies = app.control.broadcast(REPORT_TROUBLE, reply=True, timeout=seconds, connection=connection)
    return {name: answer for one in replies or [] for name, answer in one.items()}


@dataclass(slots=True)
class Workers:
    """The workers that answered last; a thread of its own asks, so that no page waits for a silent broker."""

    settings: Settings
    found: list[WorkerState] = field(default_factory=list)
    is_known: bool = False
    _asked_at: float = float("-inf")
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def look(self) -> list[WorkerState]:
        """Return what is known, and have it asked again when it is old; the first call waits a moment."""
        with self._lock:
            if time.monotonic() - self._asked_at < _CACHED_SECONDS:
                return self.found
            self._asked_at = time.monotonic()
        thread = threading.Thread(target=self._ask, name="operator-workers", daemon=True)
        thread.start()
        if not self.is_known:
            thread.join(_ANSWER_SECONDS + _CONNECT_SECONDS)
        return self.found

    def _ask(self) -> None:
        found: dict[str, dict[str, Any]] = {}
        # Whatever the client library raises: the page then shows that nobody answers.
        with (
            suppress(Exception),
            open_connection(self.settings.broker(), self.settings, seconds=_CONNECT_SECONDS) as connection,
        ):
            found = ask_workers(connection, _ANSWER_SECONDS)
        self.found = [
            WorkerState(name, tuple(answer.get("queues", ())), answer["trouble"])
            for name, answer in sorted(found.items())
        ]
        self.is_known = True
