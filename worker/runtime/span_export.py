"""Sending spans to a collector by OTLP over HTTP; OpenTelemetry's own variables say where, and how many."""

import atexit
import threading
from collections.abc import Callable, Sequence
from typing import Final

from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import Decision, ParentBased, Sampler, SamplingResult
from opentelemetry.trace import Link, SpanKind, TraceState
from opentelemetry.util.types import Attributes

from worker.runtime.spans import Spans

_NAMELESS: Final = "unknown_service"

_GOODBYE_SECONDS: Final = 2.0
"""How long the end of the process waits for a collector; the library would wait for half a minute."""


def exporting_spans(service: str) -> Spans:
    """Return a maker of spans that are sent in groups by a thread; at the process's end the rest is sent."""
    provider = TracerProvider(resource=resource_of(service), shutdown_on_exit=False)
    provider.sampler = with_links(provider.sampler)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    atexit.register(_goodbye(provider))
    return Spans(provider)


def _goodbye(provider: TracerProvider) -> Callable[[], None]:
    """Return a function that sends the last spans, and gives up on a collector that does not answer."""
    is_ending, has_ended = threading.Event(), threading.Event()

    def end() -> None:
        is_ending.wait()
        provider.shutdown()
        has_ended.set()

    # Started now, as no thread can be started at the end.
    threading.Thread(target=end, name="last-spans", daemon=True).start()

    def goodbye() -> None:
        is_ending.set()
        has_ended.wait(_GOODBYE_SECONDS)

    return goodbye


def resource_of(service: str) -> Resource:
    """Return what OTEL_RESOURCE_ATTRIBUTES and OTEL_SERVICE_NAME say, with a name if they give none."""
    resource = Resource.create()
    if str(resource.attributes.get(SERVICE_NAME, _NAMELESS)).startswith(_NAMELESS):
        return resource.merge(Resource({SERVICE_NAME: service}))
    return resource


def with_links(sampler: Sampler) -> Sampler:
    """Return the sampler, with links counting as parents where it goes by parents."""
    return _ByLinks(sampler) if isinstance(sampler, ParentBased) else sampler


class _ByLinks(Sampler):
    """Samples each span that is linked to a sampled one.

    A batch has many parents. One of them may be sampled, and its trace would end at a batch that is not.
    """

    def __init__(self, sampler: Sampler) -> None:
        self._sampler = sampler

    def should_sample(
        self,
        parent_context: Context | None,
        trace_id: int,
        name: str,
        kind: SpanKind | None = None,
        attributes: Attributes = None,
        links: Sequence[Link] | None = None,
        trace_state: TraceState | None = None,
    ) -> SamplingResult:
        """Return the decision about a new span."""
        if any(link.context.trace_flags.sampled for link in links or ()):
            return SamplingResult(Decision.RECORD_AND_SAMPLE, attributes, trace_state)
        return self._sampler.should_sample(
            parent_context, trace_id, name, kind, attributes, links, trace_state
        )

    def get_description(self) -> str:
        """Return the name of the sampler, for logs."""
        return f"WithLinks{{{self._sampler.get_description()}}}"
