"""The circuit breaker: open while the database cannot take work, so that no request is blamed for it."""

import logging
import threading
import time
from typing import Any, Final

from celery.worker.control import inspect_command

from worker.runtime import metrics

log = logging.getLogger(__name__)

_SECONDS_BETWEEN_LINES: Final = 5.0


class Breaker:
    """Why work waits now, by whose work it is; all threads of a process share one.

    Who fails for the database's sake opens it, keeps what it holds, and tries the same again after a while;
    who succeeds closes its own part.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._reasons: dict[str, str] = {}
        self._since = self._told_at = 0.0

    @property
    def reason(self) -> str | None:
        """Return why it is open, as a sentence, or None: it is closed."""
        return next(iter(self._reasons.values()), None)

    def open(self, work: str, reason: str) -> None:
        """Say that the database cannot take this work: in the log now and then, and in the metric."""
        now = time.monotonic()
        with self._lock:
            if not self._reasons:
                self._since = now
            is_told = reason in self._reasons.values() and now - self._told_at < _SECONDS_BETWEEN_LINES
            self._reasons[work] = reason
            if is_told:
                return
            self._told_at = now
        metrics.BREAKER_OPEN.labels("database").set(1)
        log.error(
            "the database cannot take work; what is in hand waits",
            extra={"work": work, "reason": reason, "seconds": round(now - self._since, 1)},
        )

    def close(self, work: str) -> None:
        """Say that the database has taken this work."""
        if work not in self._reasons:
            return
        with self._lock:
            self._reasons.pop(work, None)
            if self._reasons:
                return
        metrics.BREAKER_OPEN.labels("database").set(0)
        seconds = round(time.monotonic() - self._since, 1)
        log.warning("the database takes work again", extra={"work": work, "seconds": seconds})


breaker: Final = Breaker()
"""The process's own."""

TELL_TROUBLE: Final = "willcall_trouble"
"""The name of a remote control command (Celery, "Workers Guide"), which `willcall doctor` sends."""


@inspect_command(name=TELL_TROUBLE)
def _tell_trouble(state: Any) -> dict[str, Any]:
    """Answer why this worker takes no work: {"trouble": a sentence, or None}, and which "queues" it takes."""
    return {"trouble": breaker.reason, "queues": sorted(state.app.amqp.queues.consume_from)}
