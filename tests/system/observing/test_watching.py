"""What an operator sees of a busy worker: it answers, it counts, and it tells of samples."""

import time
import urllib.request

import orjson
from celery import Celery
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import Engine

from tests.brokers import Broker
from tests.factories import load, make_body, make_event, make_ticket_class, scalar
from tests.processes import PATIENCE_SECONDS, wait_until
from tests.rabbitmq import free_port
from tests.system.locks import locked, waits_for_a_lock
from tests.system.observing.hearing import hearing
from willcall.messages import Message, task_message
from willcall.queues import ORDERS

_MESSAGES = 400
_ORDERS = 10 * _MESSAGES
_BATCH = 20


def _message() -> Message:
    content = orjson.dumps({"requests": [{"tenant": "demo", **make_body()} for _ in range(10)]})
    return task_message("orders.create", content, queue=ORDERS, summary="…", requests=10)


def _count(engine: Engine) -> int:
    return int(scalar(engine, "SELECT count(*) FROM orders"))


def _metrics(port: int) -> dict[tuple[str, ...], float]:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=PATIENCE_SECONDS) as answer:
        families = text_string_to_metric_families(answer.read().decode())
        return {
            (sample.name, *sample.labels.values()): sample.value
            for family in families
            for sample in family.samples
        }


def test_a_busy_worker_answers_counts_every_order_and_tells_of_few(broker: Broker, engine: Engine) -> None:
    load(engine, make_event(ticket_classes=[make_ticket_class(capacity=1_000_000)]))
    port = free_port()
    broker.worker(WILLCALL_WORKER_METRICS_PORT=str(port), WILLCALL_BATCH_SIZE=str(_BATCH))
    started = time.monotonic()
    with Celery(broker=broker.url) as app, hearing(app) as heard:
        # It is busy for as long as it is asked.
        with locked(engine, "requests"):
            broker.publisher().publish([_message() for _ in range(_MESSAGES)])
            wait_until(lambda: waits_for_a_lock(engine), what="a busy worker")
            inspect = app.control.inspect(limit=1, timeout=PATIENCE_SECONDS)
            pongs, active, stats = inspect.ping(), inspect.active(), inspect.stats()
        wait_until(lambda: _count(engine) == _ORDERS, what="all orders")
        wait_until(lambda: broker.depth() == 0, what="an empty queue")
        counts = _metrics(port)
        wait_until(lambda: any(event["type"] == "task-succeeded" for event in heard), what="a task event")
    seconds = time.monotonic() - started

    [(name, pong)] = pongs.items()
    assert (name.partition("@")[0], pong) == ("worker", {"ok": "pong"})
    assert active == {name: []}
    assert stats[name]["pool"]["max-concurrency"] == 2

    assert counts["willcall_requests_total", "orders.create", "processed"] == _ORDERS
    assert counts["willcall_batches_total",] >= _ORDERS / _BATCH
    assert counts["willcall_batch_requests_count",] == counts["willcall_batches_total",]

    told = [event for event in heard if event["type"].startswith("task-")]
    assert {event["hostname"] for event in told} == {name}
    assert {event["name"] for event in told if event["type"] == "task-received"} == {"orders.create"}
    batches = sum(event["type"] == "task-succeeded" for event in told)
    # One sample a second, however many batches there were.
    assert 1 <= batches <= 1 + seconds
    assert len(told) <= 3 * batches + 2
    assert "Example" not in str(told), "a buyer's name"
