"""Tracing: a facade that imports OpenTelemetry only if it is on.

Off, each of its functions is one comparison. `worker.runtime.spans` makes the spans, and
`worker.runtime.span_export` sends them.
"""

import logging
from collections.abc import Iterable
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Final

from worker.runtime.settings import Settings

if TYPE_CHECKING:
    from worker.runtime.spans import Spans

_OFF: Final = nullcontext()

_spans: "Spans | None" = None


def set_up_tracing(settings: Settings, service: str) -> None:
    """Begin to trace this process if the settings say so; `service` is its name, unless `OTEL_…` name it.

    Raises `SystemExit` if the variables `OTEL_…` have a value that OpenTelemetry does not take.
    """
    if settings.tracing != "off":
        from worker.runtime.span_export import exporting_spans

        try:
            use(exporting_spans(service))
        except ValueError as error:
            raise SystemExit(
                f"OpenTelemetry does not take the variables OTEL_…: {error}. Correct them, or set"
                " WILLCALL_TRACING=off."
            ) from error


def use(spans: "Spans | None") -> None:
    """Make spans with this; with None, make none."""
    global _spans  # it is the process's, like the log
    _spans = spans


def active() -> "Spans | None":
    """Return the maker of spans, or None if tracing is off."""
    return _spans


def batch(traceparents: Iterable[str | None]) -> AbstractContextManager[None]:
    """Open the span of a batch of requests with these trace contexts."""
    return _OFF if _spans is None else _spans.batch(traceparents)


def event_group(traceparents: Iterable[str | None]) -> AbstractContextManager[None]:
    """Open the span of publishing event messages, each made by the batch with this trace context."""
    return _OFF if _spans is None else _spans.event_group(traceparents)


def step(name: str) -> AbstractContextManager[None]:
    """Open the span of a step of the current batch."""
    return _OFF if _spans is None else _spans.step(name)


def current_traceparent() -> str | None:
    """Return the trace context of the current call or batch, or None."""
    return None if _spans is None else _spans.current_traceparent()


class TraceIds(logging.Filter):
    """Adds the ids of the current trace and span to each record."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Return True for every record."""
        ids = None if _spans is None else _spans.current_ids()
        if ids is not None and not hasattr(record, "trace_id"):
            record.trace_id, record.span_id = ids
        return True
