"""Spans: parents, links and their bound, sampling, and what they never hold."""

import logging

import pytest
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, DEFAULT_OFF, ParentBased, Sampler, TraceIdRatioBased
from opentelemetry.trace import StatusCode

from tests.spans import Memory, links_of, memory, parent_of, traced, traceparent_of
from worker.runtime import tracing
from worker.runtime.span_export import resource_of
from worker.runtime.spans import MAX_LINKS

__all__ = ["memory"]

TRACE = "0af7651916cd43dd8448eb211c80319c"


def context(number: int, *, is_sampled: bool = True) -> str:
    return f"00-{TRACE}-{number:016x}-{is_sampled:02x}"


def test_a_batch_of_one_request_is_in_its_trace(memory: Memory) -> None:
    with tracing.batch([context(7), context(7)]):
        pass

    (batch,) = memory.ended
    assert parent_of(batch) == context(7)
    assert links_of(batch) == [context(7)]
    assert batch.attributes is not None
    assert batch.attributes["messaging.batch.message_count"] == 2


def test_a_batch_of_several_is_linked_to_each_and_in_the_trace_of_none(memory: Memory) -> None:
    with tracing.batch([context(1), None, context(2), context(1)]):
        pass

    (batch,) = memory.ended
    assert batch.parent is None
    assert links_of(batch) == [context(1), context(2)]


def test_a_request_without_a_trace_joins_no_other_ones(memory: Memory) -> None:
    with tracing.batch([context(1), None, context(1)]):
        pass

    (batch,) = memory.ended
    assert (batch.parent, links_of(batch)) == (None, [context(1)])
    assert not (tracing.current_traceparent() or "").startswith(f"00-{TRACE}")


def test_links_are_bounded_and_the_others_counted(memory: Memory) -> None:
    for count in (MAX_LINKS, MAX_LINKS + 3):
        with tracing.batch(context(number + 1) for number in range(count)):
            pass

    exact, more = memory.ended
    assert [len(one.links) for one in (exact, more)] == [MAX_LINKS] * 2
    left_out = [(one.attributes or {}).get("willcall.links_left_out") for one in (exact, more)]
    assert left_out == [None, 3]
    assert not more.dropped_links


def test_links_to_sampled_requests_come_before_the_others(memory: Memory) -> None:
    unsampled = [context(number + 1, is_sampled=False) for number in range(MAX_LINKS + 100)]
    with tracing.batch([*unsampled, context(900), context(901)]):
        pass

    (batch,) = memory.ended
    assert links_of(batch) == [context(900), context(901), *unsampled[: MAX_LINKS - 2]]


def test_steps_are_children_of_their_batch_which_event_messages_name(memory: Memory) -> None:
    with tracing.batch([context(1)]), tracing.step("claim"):
        named = tracing.current_traceparent()

    claim, batch = memory.ended
    assert (claim.name, parent_of(claim)) == ("claim", traceparent_of(batch))
    assert named == traceparent_of(batch)


def test_a_step_outside_of_a_batch_has_no_span(memory: Memory) -> None:
    with tracing.step("claim"):
        assert tracing.current_traceparent() is None

    assert not memory.ended


def test_a_batch_is_not_within_the_one_that_its_thread_has_open(memory: Memory) -> None:
    with tracing.batch([context(1)]), tracing.batch([]):
        pass

    inner, _ = memory.ended
    assert inner.parent is None


def test_of_an_error_only_the_type_is_recorded(memory: Memory) -> None:
    with (
        pytest.raises(ValueError, match="Ada"),
        tracing.batch([]),
        tracing.step("decide"),
    ):
        raise ValueError("Ada Example")

    for span in memory.ended:
        assert span.status.status_code is StatusCode.ERROR
        assert span.attributes is not None
        assert span.attributes["error.type"] == "ValueError"
        assert "Ada" not in span.to_json()


@pytest.mark.parametrize(
    ("sampler", "is_traced"),
    [(DEFAULT_OFF, True), (ParentBased(TraceIdRatioBased(0)), True), (ALWAYS_OFF, False)],
    ids=["parents", "parents or a ratio", "never"],
)
def test_a_batch_is_sampled_where_any_of_its_requests_is(sampler: Sampler, is_traced: bool) -> None:
    others = [context(number, is_sampled=False) for number in range(1, 5)]
    with traced(sampler) as memory:
        with tracing.batch(others):
            unsampled = tracing.current_traceparent()
        with tracing.batch([*others, context(9)]), tracing.step("claim"):
            pass

    # Consumers are told that it is not sampled, so that they do not decide anew.
    assert unsampled is not None
    assert int(unsampled[-2:], 16) & 1 == 0
    assert [span.name for span in memory.ended] == ["claim", "process orders"] * is_traced


def test_a_method_that_is_none_is_not_in_the_name_of_a_span(memory: Memory) -> None:
    with memory.spans.call("BUYER=ADA", None) as call:
        call.answered("/v1/orders", 405)

    (span,) = memory.ended
    assert span.name == "HTTP /v1/orders"
    assert "ADA" not in span.to_json()


def test_log_records_within_a_span_have_its_ids(memory: Memory) -> None:
    def record() -> logging.LogRecord:
        record = logging.makeLogRecord({"msg": "batch committed"})
        assert tracing.TraceIds().filter(record)
        return record

    with tracing.batch([context(1)]):
        inside = record()

    (batch,) = memory.ended
    assert (inside.__dict__["trace_id"], inside.__dict__["span_id"]) == (
        TRACE,
        f"{batch.context.span_id:016x}",
    )
    assert "trace_id" not in record().__dict__


@pytest.mark.parametrize(
    ("variables", "name"),
    [
        ({}, "willcall-worker"),
        ({"OTEL_SERVICE_NAME": "shop"}, "shop"),
        ({"OTEL_RESOURCE_ATTRIBUTES": "service.name=box,a=b"}, "box"),
    ],
)
def test_a_process_has_its_name_unless_the_operator_gives_another(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], name: str
) -> None:
    for variable in ("OTEL_SERVICE_NAME", "OTEL_RESOURCE_ATTRIBUTES"):
        monkeypatch.delenv(variable, raising=False)
    for variable, value in variables.items():
        monkeypatch.setenv(variable, value)

    assert resource_of("willcall-worker").attributes["service.name"] == name
