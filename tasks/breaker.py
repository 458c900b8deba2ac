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
    """The reasons why work waits, by kind of work; all threads of a process share one.

    Work that fails because of the database opens it, keeps its messages, and retries after a while; work that
    succeeds closes its own part.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._reasons: dict[str, str] = {}
        self._since = self._logged_at = 0.0

    @property
    def reason(self) -> str | None:
        """Return why the breaker is open, as a sentence, or None if it is closed."""
        return next(iter(self._reasons.values()), None)

    def open(self, work: str, reason: str) -> None:
        """Record in the metric, and every few seconds in the log, that the database cannot take this work."""
        now = time.monotonic()
        with self._lock:
            if not self._reasons:
                self._since = now
            is_logged = reason in self._reasons.values() and now - self._logged_at < _SECONDS_BETWEEN_LINES
            self._reasons[work] = reason
            if is_logged:
                return
            self._logged_at = now
        metrics.BREAKER_OPEN.labels("database").set(1)
        log.error(
            "the database cannot take work; the current batch waits",
            extra={"work": work, "reason": reason, "seconds": round(now - self._since, 1)},
        )

    def close(self, work: str) -> None:
        """Record that the database has taken this work."""
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
"""The process's breaker."""

TAKEN_IN_BULK: Final[set[str]] = set()
"""The queues that this process takes by itself, without Celery's consumer."""

REPORT_TROUBLE: Final = "willcall_trouble"
"""The name of a remote control command (Celery, "Workers Guide"), which `willcall doctor` sends."""


@inspect_command(name=REPORT_TROUBLE)
def _report_trouble(state: Any) -> dict[str, Any]:
    """Return why this worker takes no work, {"trouble": a sentence or None}, and the "queues" it consumes."""
    queues = {*state.app.amqp.queues.consume_from, *TAKEN_IN_BULK}
    return {"trouble": breaker.reason, "queues": sorted(queues)}
