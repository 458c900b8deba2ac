"""A span for each call, where tracing is on: method, route and status, and nothing of what was sent."""

from collections.abc import Iterable
from typing import Final

from starlette.types import ASGIApp, Receive, Scope, Send

from intake.web.call_records import current_record
from willcall.traceparents import checked
from worker.runtime import tracing

_TRACEPARENT: Final = b"traceparent"

_OF_OPERATORS: Final = frozenset({"/healthz", "/readyz", "/metrics"})
"""Paths that are called every few seconds, and would fill a collector."""


class CallSpans:
    """ASGI middleware, directly inside `CallLog`, whose record has the status."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the call on within a span, which is in its caller's trace if there is one."""
        spans, record = tracing.active(), current_record()
        if spans is None or record is None or scope["type"] != "http" or scope["path"] in _OF_OPERATORS:
            await self._app(scope, receive, send)
            return
        with spans.call(scope["method"], _caller_of(scope["headers"])) as span:
            record.trace_id = span.trace_id
            try:
                await self._app(scope, receive, send)
            finally:
                span.answered(getattr(scope.get("route"), "path", None), record.status)


def _caller_of(headers: Iterable[tuple[bytes, bytes]]) -> str | None:
    """Return the caller's trace context; a malformed one, or several, are ignored."""
    given = [value for name, value in headers if name == _TRACEPARENT]
    return checked(given[0].decode("latin-1").strip()) if len(given) == 1 else None
