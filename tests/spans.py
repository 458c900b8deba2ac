"""The spans that this process makes, in memory, and a collector for those of other processes."""

import gzip
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import DEFAULT_ON, Sampler
from opentelemetry.trace import SpanContext

from worker.runtime import tracing
from worker.runtime.span_export import with_links
from worker.runtime.spans import Spans


class Memory:
    """What this process has traced so far."""

    def __init__(self, sampler: Sampler) -> None:
        self._exporter = InMemorySpanExporter()
        provider = TracerProvider(sampler=with_links(sampler), shutdown_on_exit=False)
        provider.add_span_processor(SimpleSpanProcessor(self._exporter))
        self.spans = Spans(provider)

    @property
    def ended(self) -> Sequence[ReadableSpan]:
        return self._exporter.get_finished_spans()

    def named(self, name: str) -> list[ReadableSpan]:
        return [span for span in self.ended if span.name == name]

    def clear(self) -> None:
        self._exporter.clear()


@contextmanager
def traced(sampler: Sampler = DEFAULT_ON) -> Iterator[Memory]:
    """Trace this process until the block ends."""
    memory = Memory(sampler)
    tracing.use(memory.spans)
    try:
        yield memory
    finally:
        tracing.use(None)


@pytest.fixture
def memory() -> Iterator[Memory]:
    """Trace this process during the test."""
    with traced() as memory:
        yield memory


def traceparent_of(span: ReadableSpan) -> str:
    """Return the trace context that a child of the span would have got."""
    return _traceparent(span.context)


def parent_of(span: ReadableSpan) -> str | None:
    """Return the trace context of the span's parent."""
    return span.parent and _traceparent(span.parent)


def links_of(span: ReadableSpan) -> list[str]:
    return [_traceparent(one.context) for one in span.links]


def _traceparent(context: SpanContext) -> str:
    return f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}"


@dataclass(frozen=True)
class Collected:
    """A span as a collector has received it: sampled, or it would not be here."""

    service: str
    span: Span

    @property
    def trace_id(self) -> str:
        return self.span.trace_id.hex()

    @property
    def traceparent(self) -> str:
        return f"00-{self.trace_id}-{self.span.span_id.hex()}-01"

    @property
    def parent(self) -> str:
        return f"00-{self.trace_id}-{self.span.parent_span_id.hex()}-01"

    @property
    def links(self) -> list[str]:
        return [f"00-{one.trace_id.hex()}-{one.span_id.hex()}-01" for one in self.span.links]


@dataclass
class Collector:
    """A server that takes spans by OTLP over HTTP."""

    port: int
    spans: list[Collected] = field(default_factory=list)

    @property
    def environment(self) -> dict[str, str]:
        """Return what a process needs to send its spans here, soon after they end."""
        return {
            "WILLCALL_TRACING": "otlp",
            "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{self.port}",
            "OTEL_BSP_SCHEDULE_DELAY": "100",
        }

    def named(self, name: str, trace_id: str) -> list[Collected]:
        return [one for one in list(self.spans) if one.span.name == name and one.trace_id == trace_id]


@contextmanager
def collecting() -> Iterator[Collector]:
    """Run a collector until the block ends."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            if self.headers.get("content-encoding") == "gzip":
                body = gzip.decompress(body)
            assert self.path == "/v1/traces"
            for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
                facts = {one.key: one.value.string_value for one in resource.resource.attributes}
                collector.spans += [
                    Collected(facts["service.name"], span)
                    for scope in resource.scope_spans
                    for span in scope.spans
                ]
            self.send_response(200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    collector = Collector(server.server_address[1])
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield collector
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
