"""The record of calls: counters by route, and lines in the log, written in groups.

One line of `logging` takes as long as a tenth of a call, and even a counter is slower between two calls than
among other counters.
"""

import asyncio
import logging
import time
from collections.abc import Callable
from typing import Any, Final

import orjson

from intake.web.call_records import CallRecord
from worker.runtime.logs import json_writer
from worker.runtime.metrics import CALL_SECONDS, CALLS

log = logging.getLogger("intake.calls")

_GATHER_SECONDS: Final = 0.1
_MOST_GATHERED: Final = 200
_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_OF_OPERATORS: Final = frozenset({"/healthz", "/readyz", "/metrics"})
_FAILED: Final = 500

Answered = tuple[str, str, CallRecord, float, float]
"""A call: its method, its route, its record, its duration in seconds, and its end."""


class CallBook:
    """Counts calls and writes their lines, within a tenth of a second; for one event loop.

    `process` names the process in its lines, if it is one of several.
    """

    def __init__(self, *, has_lines: bool, process: str | None = None) -> None:
        self._has_lines = has_lines
        self._process = process
        self._write = json_writer()
        self._waiting: list[Answered] = []
        self._clock = (0, "")
        # Looking up a metric by its labels takes longer than counting.
        self._counters: dict[tuple[str, str, int], tuple[Callable[[], Any], Callable[[float], Any]]] = {}

    def add(self, method: str, route: str, record: CallRecord, seconds: float) -> None:
        """Record an answered call."""
        self._waiting.append((method, route, record, seconds, time.time()))
        if len(self._waiting) == 1:
            asyncio.get_running_loop().call_later(_GATHER_SECONDS, self.flush)
        elif len(self._waiting) >= _MOST_GATHERED:
            self.flush()

    def flush(self) -> None:
        """Count and write the collected calls."""
        waiting, self._waiting = self._waiting, []
        for method, route, record, seconds, _ in waiting:
            self._count(method if method in _METHODS else "other", route, record.status, seconds)
        if not self._has_lines or not log.isEnabledFor(logging.INFO):
            return
        lines = [one for one in waiting if one[1] not in _OF_OPERATORS or one[2].status >= _FAILED]
        if self._write is None:
            for answered in lines:
                extra = _for_people(answered)
                log.info("%s %s %s", answered[0], answered[1], answered[2].status, extra=extra)
        elif lines:
            self._write(b"".join(map(self._line, lines)).decode())

    def _count(self, method: str, route: str, status: int, seconds: float) -> None:
        key = (method, route, status)
        found = self._counters.get(key)
        if found is None:
            counter, histogram = CALLS.labels(method, route, str(status)), CALL_SECONDS.labels(method, route)
            found = self._counters[key] = (counter.inc, histogram.observe)
        increase, observe = found
        increase()
        observe(seconds)

    def _line(self, answered: Answered) -> bytes:
        method, route, record, seconds, ended_at = answered
        facts: dict[str, Any] = {
            "time": self._moment(int(ended_at)),
            "level": "INFO",
            "logger": "intake.calls",
            "message": "call",
            "method": method,
            "route": route,
            "status": record.status or None,  # None: the client was gone
            "ms": round(seconds * 1000, 2),
            "bytes": record.size,
            "call_id": record.id,
        }
        if self._process is not None:
            facts["process"] = self._process
        if record.caller is not None:
            facts["tenant"], facts["key_id"] = record.caller.tenant, record.caller.key_id
        if record.request_id is not None:
            facts["request_id"] = record.request_id
        if record.trace_id is not None:
            facts["trace_id"] = record.trace_id
        return orjson.dumps(facts, option=orjson.OPT_APPEND_NEWLINE)

    def _moment(self, second: int) -> str:
        if second != self._clock[0]:
            self._clock = second, time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(second))
        return self._clock[1]


def _for_people(answered: Answered) -> dict[str, Any]:
    """Return the text of a log line after method, route and status."""
    _, _, record, seconds, _ = answered
    caller = record.caller
    return {
        "ms": round(seconds * 1000, 2),
        "bytes": record.size,
        "tenant": caller and caller.tenant,
        "key_id": caller and caller.key_id,
        "request_id": record.request_id,
        "call_id": record.id,
        "trace_id": record.trace_id,
    }
