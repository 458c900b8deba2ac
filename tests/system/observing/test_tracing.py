"""One trace leads from whoever sent an order to its event message, through real processes and a collector."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest
from celery import Celery
from kombu import Connection, Queue
from sqlalchemy import Engine

from tests.brokers import VALKEY, Broker
from tests.factories import load, make_body, scalar
from tests.intake.cli.conftest import running_willcall
from tests.intakes import Intake
from tests.processes import Process, wait_until
from tests.rabbitmq import free_port
from tests.spans import Collected, Collector, collecting
from willcall.kinds import CREATE
from willcall.producer import Producer
from willcall.queues import EVENTS, ORDERS

STEPS = {"claim", "look_up", "load", "decide", "write", "publish", "request_log", "commit"}

BY_HTTP, BY_PRODUCER, BY_CELERY = (f"00-{number:032x}-{number:016x}-01" for number in (1, 2, 3))


@pytest.fixture
def collector() -> Iterator[Collector]:
    with collecting() as collector:
        yield collector


@contextmanager
def _listener(broker: Broker) -> Iterator[Queue]:
    with Connection(broker.url) as connection:
        queue = Queue("tracing", EVENTS, "#", channel=connection.default_channel, durable=False)
        queue.declare()
        try:
            yield queue
        finally:
            queue.delete()


def _take(queue: Queue, count: int) -> dict[str, Any]:
    """Return so many event messages by the reference of their order."""
    heard: list[dict[str, Any]] = []

    def has_all() -> bool:
        if message := queue.get(no_ack=True):
            heard.append(json.loads(message.body))
        return len(heard) == count

    wait_until(has_all, what="the event messages")
    return {event["data"]["reference"]: event for event in heard}


def _lines(process: Process) -> list[dict[str, Any]]:
    return [json.loads(line) for line in process.output().splitlines() if line.startswith("{")]


@contextmanager
def _intake(broker: Broker, engine: Engine, collector: Collector) -> Iterator[tuple[httpx.Client, Process]]:
    port = free_port()
    variables = broker.environment | collector.environment | {"WILLCALL_INTAKE_PORT": str(port)}
    with running_willcall(
        "serve", "intake", variables=variables, log=broker.folder / "intake.log", ready="Uvicorn running"
    ) as process:
        settings = broker.settings.model_copy(update={"intake_port": port})
        with Intake(settings, None, engine).client() as client:  # type: ignore[arg-type] # it is not in this process
            yield client, process


def _send_plainly(broker: Broker) -> None:
    with Celery("any-producer", broker=broker.url) as app:
        app.conf.task_create_missing_queue_type = "quorum" if broker.url.startswith("amqp") else "classic"
        body = make_body(reference="celery", tenant="demo")
        app.send_task(
            CREATE, kwargs={"requests": [body]}, queue=ORDERS, headers={"traceparent": BY_CELERY}, retry=False
        )


def test_one_trace_leads_from_the_sender_to_the_event_message(
    broker: Broker, engine: Engine, collector: Collector
) -> None:
    load(engine)
    with _listener(broker) as listener, _intake(broker, engine, collector) as (client, intake):
        worker = broker.worker("orders,outbox", **collector.environment)
        answer = client.post("/v1/orders", json=make_body(reference="http"), headers={"traceparent": BY_HTTP})
        assert answer.status_code == 202
        first = _take(listener, 1)
        with Producer(broker.url, broker.settings) as producer:
            producer.send([make_body(reference="producer")], tenant="demo", traceparent=BY_PRODUCER)
        second = _take(listener, 1)
        _send_plainly(broker)
        events = first | second | _take(listener, 1)
    assert intake.end() == 0  # what has not been sent by then is sent at the end
    assert worker.end() == 0

    (call,) = collector.named("POST /v1/orders", BY_HTTP[3:35])
    assert (call.service, call.parent) == ("willcall-intake", BY_HTTP)
    for reference, sender in (("http", call.traceparent), ("producer", BY_PRODUCER), ("celery", BY_CELERY)):
        batch = _batch_of(collector, sender)
        assert events[reference]["traceparent"] == batch.traceparent
    assert len(collector.spans) == 1 + 3 * (1 + len(STEPS) + 1)
    (line,) = (line for line in _lines(intake) if line.get("route") == "/v1/orders")
    assert line["trace_id"] == call.trace_id
    batches = [line for line in _lines(worker) if line["message"] == "batch committed"]
    assert [line["trace_id"] for line in batches] == [one[3:35] for one in (BY_HTTP, BY_PRODUCER, BY_CELERY)]
    assert [line["requests"][0]["trace_id"] for line in batches] == [line["trace_id"] for line in batches]


def _batch_of(collector: Collector, sender: str) -> Collected:
    """Return the span of the sender's batch, whose parent, steps and event message are as they should be."""
    trace_id = sender[3:35]
    (batch,) = collector.named("process orders", trace_id)
    assert (batch.service, batch.parent, batch.links) == ("willcall-worker", sender, [sender])
    steps = [step for name in STEPS for step in collector.named(name, trace_id)]
    assert {step.span.name for step in steps if step.parent == batch.traceparent} == STEPS
    (group,) = collector.named("publish willcall.events", trace_id)
    assert (group.parent, group.links) == (batch.traceparent, [batch.traceparent])
    return batch


@pytest.mark.parametrize("broker", [VALKEY], indirect=True)
def test_orders_are_processed_while_the_collector_is_away(broker: Broker, engine: Engine) -> None:
    load(engine)
    away = Collector(free_port()).environment
    worker = broker.worker("orders,outbox", **away)
    with Producer(broker.url, broker.settings) as producer:
        producer.send([make_body() for _ in range(200)], tenant="demo", traceparent=BY_PRODUCER)
    wait_until(
        lambda: (
            scalar(engine, "SELECT count(*) FROM orders") == 200
            and scalar(engine, "SELECT count(*) FROM outbox") == 0
        ),
        what="the orders and their event messages",
    )
    wait_until(lambda: "opentelemetry" in worker.output(), what="a line that says so")

    assert worker.end() == 0
    assert scalar(engine, "SELECT count(*) FROM dead_letters") == 0
