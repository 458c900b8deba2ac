"""Batches and groups of event messages as spans, and the trace context in the outbox."""

import json
from collections.abc import Mapping
from typing import Any
from uuid import uuid4

import pytest
from kombu import Connection, Queue
from sqlalchemy import Engine

from tasks.messages import QueueMessage
from tasks.orders import process_messages
from tasks.relay import relay
from tests.factories import load, make_body, rows
from tests.poison import cure_orders, poison_orders
from tests.spans import Memory, links_of, memory, parent_of, traceparent_of
from tests.task_resources import fresh_resources
from willcall.kinds import CREATE
from willcall.queues import EVENTS
from willcall.traceparents import headers_of
from worker.runtime.settings import get_settings

__all__ = ["fresh_resources", "memory"]

TRACE = "0af7651916cd43dd8448eb211c80319c"
FIRST, SECOND, THIRD = (f"00-{TRACE}-{number:016x}-01" for number in (1, 2, 3))

STEPS = ["claim", "look_up", "load", "decide", "write", "publish", "request_log", "commit"]


def _message(*bodies: Mapping[str, Any], headers: Mapping[str, Any]) -> QueueMessage:
    content = [[], {"requests": [{"tenant": "demo", **body} for body in bodies]}, {}]
    return QueueMessage(CREATE, str(uuid4()), json.dumps(content).encode(), headers=headers)


def _outbox(engine: Engine) -> list[str | None]:
    return [context for (context,) in rows(engine, "SELECT traceparent FROM outbox ORDER BY subject")]


def test_a_batch_is_linked_to_the_trace_of_each_request(engine: Engine, memory: Memory) -> None:
    load(engine)
    process_messages(
        [
            _message(make_body(), make_body(), headers=headers_of([FIRST, SECOND])),
            _message(make_body(), headers=headers_of([THIRD])),
            _message(make_body(), headers={}),
        ]
    )

    (batch,) = memory.named("process orders")
    assert batch.parent is None
    assert links_of(batch) == [FIRST, SECOND, THIRD]
    steps = memory.ended[:-1]
    assert [step.name for step in steps] == STEPS
    assert {parent_of(step) for step in steps} == {traceparent_of(batch)}
    assert _outbox(engine) == [traceparent_of(batch)] * 4


def test_event_messages_tell_which_batch_made_them(engine: Engine, memory: Memory) -> None:
    load(engine)
    for context in (FIRST, SECOND):
        process_messages([_message(make_body(), headers=headers_of([context]))])
    batches = [traceparent_of(batch) for batch in memory.named("process orders")]
    with Connection(get_settings().broker()) as connection:
        queue = Queue("tracing", EVENTS, "#", channel=connection.default_channel, durable=False)
        queue.declare()
        try:
            assert relay.run() == 2
            sent = [json.loads(message.body) for _ in range(2) if (message := queue.get(no_ack=True))]
        finally:
            queue.delete()

    assert sorted(event["traceparent"] for event in sent) == sorted(batches)
    (group,) = memory.named("publish willcall.events")
    assert group.parent is None
    assert sorted(links_of(group)) == sorted(batches)
    assert relay.run() == 0
    assert len(memory.named("publish willcall.events")) == 1  # an empty outbox is no span


def test_a_batch_that_fails_and_is_halved_is_one_span(engine: Engine, memory: Memory) -> None:
    load(engine)
    poison_orders(engine, before="INSERT")
    try:
        bodies = [make_body(), make_body(reference="poison")]
        report = process_messages([_message(*bodies, headers=headers_of([FIRST, SECOND]))])
    finally:
        cure_orders(engine)

    assert (len(report.outcomes), report.delayed) == (1, 1)
    (batch,) = memory.named("process orders")
    assert batch.status.is_unset
    assert [bool(step.attributes) for step in memory.named("write")] == [True, False, True]
    assert len(memory.named("commit")) == 1
    assert "poison" not in "".join(span.to_json() for span in memory.ended)


def test_a_redelivered_message_is_traced_again_and_makes_no_event_message(
    engine: Engine, memory: Memory
) -> None:
    load(engine)
    message = _message(make_body(), headers=headers_of([FIRST]))
    process_messages([message])
    first = _outbox(engine)

    process_messages([message])

    assert len(memory.named("process orders")) == 2
    assert _outbox(engine) == first


@pytest.mark.parametrize(
    "headers",
    [{"traceparent": "x"}, {"traceparent": [FIRST]}, {"willcall_traceparents": [None, 7, FIRST[:-1]]}],
    ids=str,
)
def test_a_malformed_trace_context_stops_no_order(
    engine: Engine, memory: Memory, headers: Mapping[str, Any]
) -> None:
    load(engine)
    report = process_messages([_message(make_body(), headers=headers)])

    assert report.summary.startswith("processed=1")
    (batch,) = memory.named("process orders")
    assert (batch.parent, links_of(batch)) == (None, [])


def test_without_tracing_the_outbox_says_nothing_of_traces(engine: Engine) -> None:
    load(engine)
    process_messages([_message(make_body(), headers=headers_of([FIRST]))])

    assert _outbox(engine) == [None]
