"""A line in the log for each call, its id in the answer, and counts by route.

A line names the route's template and never the URL: queries hold addresses, and links are secrets.
"""

import time
from collections.abc import Callable
from typing import Any, Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from intake.call_lines import CallLines
from intake.call_records import REQUEST_ID, CallRecord, begin
from worker.metrics import CALL_SECONDS, CALLS

UNKNOWN: Final = "unknown"
"""The route of calls that have none: whatever they name, it is one label."""

_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_OF_OPERATORS: Final = frozenset({"/healthz", "/readyz", "/metrics"})
_FAILED: Final = 500


class CallLog:
    """ASGI middleware, outermost: what it notes is true of every answer."""

    def __init__(self, app: ASGIApp, *, lines: CallLines | None) -> None:
        self._app = app
        self._lines = lines
        # Looking a metric up by its labels takes as long as all else here.
        self._counters: dict[tuple[str, str, int], tuple[Callable[[], Any], Callable[[float], Any]]] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the call on, and tell of it when it has been answered."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        record = begin(scope["headers"])

        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                record.status = message["status"]
                message["headers"] = [*message["headers"], (REQUEST_ID, record.id.encode())]
            else:
                record.size += len(message.get("body", b""))
            await send(message)

        try:
            await self._app(scope, receive, answer)
        finally:
            self._tell(scope, record, time.perf_counter() - started)

    def _tell(self, scope: Scope, record: CallRecord, seconds: float) -> None:
        method = scope["method"] if scope["method"] in _METHODS else "other"
        route: str = getattr(scope.get("route"), "path", UNKNOWN)
        self._count(method, route, record.status, seconds)
        is_well = route in _OF_OPERATORS and record.status < _FAILED
        if self._lines is not None and not is_well:
            self._lines.add(method, route, record, seconds)

    def _count(self, method: str, route: str, status: int, seconds: float) -> None:
        key = (method, route, status)
        found = self._counters.get(key)
        if found is None:
            counter, histogram = CALLS.labels(method, route, str(status)), CALL_SECONDS.labels(method, route)
            found = self._counters[key] = (counter.inc, histogram.observe)
        increase, observe = found
        increase()
        observe(seconds)
