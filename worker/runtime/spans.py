"""The spans of calls, batches and groups of event messages, made with OpenTelemetry.

No span holds a body, a key, a buyer or an exception's text: of an error only the type is recorded.
"""

from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Final

from opentelemetry import context, trace
from opentelemetry.trace import (
    Link,
    NonRecordingSpan,
    Span,
    SpanContext,
    SpanKind,
    StatusCode,
    TraceFlags,
    Tracer,
    TracerProvider,
)

MAX_LINKS: Final = 128
"""Links of a span; the attribute `willcall.links_left_out` counts the others."""

_FAILED: Final = 500
_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})

_NO_PARENT: Final = context.Context()


class CallSpan:
    """The span of a call of the intake."""

    def __init__(self, span: Span, name: str) -> None:
        self._span = span
        self._name = name

    @property
    def trace_id(self) -> str:
        """Return the id of the call's trace."""
        return trace.format_trace_id(self._span.get_span_context().trace_id)

    def answered(self, route: str | None, status: int) -> None:
        """Record the route's template and the status; 0: the client had disconnected."""
        if route is not None:
            self._span.update_name(f"{self._name} {route}")
            self._span.set_attribute("http.route", route)
        if status:
            self._span.set_attribute("http.response.status_code", status)
        if status >= _FAILED:
            self._span.set_status(StatusCode.ERROR)


class Spans:
    """Makes the spans of a process; the current one is in the context of its thread or call."""

    def __init__(self, provider: TracerProvider) -> None:
        self._tracer: Tracer = provider.get_tracer("willcall")

    @contextmanager
    def call(self, method: str, traceparent: str | None) -> Iterator[CallSpan]:
        """Open the span of a call, within the caller's trace if there is one."""
        is_known = method in _METHODS
        name = method if is_known else "HTTP"
        parent = None if traceparent is None else _context_of(traceparent)
        attributes = {"http.request.method": method if is_known else "_OTHER"}
        span = self._tracer.start_span(name, _within(parent), SpanKind.SERVER, attributes)
        with _current(span):
            yield CallSpan(span, name)

    def batch(self, traceparents: Iterable[str | None]) -> AbstractContextManager[None]:
        """Open the span of a batch, linked to the requests' trace contexts."""
        return self._linked("process orders", SpanKind.CONSUMER, "process", "orders", traceparents)

    def event_group(self, traceparents: Iterable[str | None]) -> AbstractContextManager[None]:
        """Open the span of publishing event messages, linked to the batches that made them."""
        name = "publish willcall.events"
        return self._linked(name, SpanKind.PRODUCER, "send", "willcall.events", traceparents)

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Open the span of a step; the batch stays the current span, so that event messages name it."""
        if not trace.get_current_span().is_recording():
            yield
            return
        span = self._tracer.start_span(name)
        with _ending(span):
            yield

    def current_traceparent(self) -> str | None:
        """Return the current span as a `traceparent`, or None if there is none."""
        current = trace.get_current_span().get_span_context()
        if not current.is_valid:
            return None
        trace_id, span_id = trace.format_trace_id(current.trace_id), trace.format_span_id(current.span_id)
        return f"00-{trace_id}-{span_id}-{current.trace_flags:02x}"

    def current_ids(self) -> tuple[str, str] | None:
        """Return the ids of the current trace and span, or None if there is none."""
        current = trace.get_current_span().get_span_context()
        if not current.is_valid:
            return None
        return trace.format_trace_id(current.trace_id), trace.format_span_id(current.span_id)

    @contextmanager
    def _linked(
        self, name: str, kind: SpanKind, operation: str, destination: str, traceparents: Iterable[str | None]
    ) -> Iterator[None]:
        """Open a span with links; if all have the same one, it is the parent, so that one trace shows all.

        A request without a trace context may be another tenant's, whose events must not join this trace.
        """
        everything = list(traceparents)
        distinct = dict.fromkeys(one for one in everything if one is not None)
        # The sampled ones first: the others lead to nothing that was stored.
        contexts = sorted(map(_context_of, distinct), key=lambda one: not one.trace_flags.sampled)[:MAX_LINKS]
        is_one = len(distinct) == 1 and None not in everything
        attributes: dict[str, str | int] = {
            "messaging.operation.type": operation,
            "messaging.destination.name": destination,
            "messaging.batch.message_count": len(everything),
        }
        if len(distinct) > MAX_LINKS:
            attributes["willcall.links_left_out"] = len(distinct) - MAX_LINKS
        span = self._tracer.start_span(
            name,
            _within(contexts[0] if is_one else None),
            kind,
            attributes,
            [Link(one) for one in contexts],
        )
        with _current(span):
            yield


def _context_of(traceparent: str) -> SpanContext:
    """Return the context of a checked `traceparent`."""
    _, trace_id, span_id, flags = traceparent.split("-")
    return SpanContext(int(trace_id, 16), int(span_id, 16), True, TraceFlags(int(flags, 16)))


def _within(parent: SpanContext | None) -> context.Context:
    # An empty context, as an absent one would mean the current span.
    return _NO_PARENT if parent is None else trace.set_span_in_context(NonRecordingSpan(parent), _NO_PARENT)


@contextmanager
def _current(span: Span) -> Iterator[None]:
    token = context.attach(trace.set_span_in_context(span))
    try:
        with _ending(span):
            yield
    finally:
        context.detach(token)


@contextmanager
def _ending(span: Span) -> Iterator[None]:
    try:
        yield
    except BaseException as error:
        # The library would record the exception's text, which may quote a buyer.
        span.set_attribute("error.type", type(error).__name__)
        span.set_status(StatusCode.ERROR)
        raise
    finally:
        span.end()
