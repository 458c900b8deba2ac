"""What a worker shows while something is wrong: old messages, a closed database, a dead neighbour."""

import signal
import time
import urllib.request
from dataclasses import replace

import orjson
import pytest
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample
from sqlalchemy import Engine

from tests.brokers import RABBITMQ, VALKEY, Broker
from tests.factories import load, make_body, scalar
from tests.processes import PATIENCE_SECONDS, wait_until
from tests.rabbitmq import free_port
from tests.system.locks import locked, waits_for_a_lock
from tests.troubles import TROUBLES
from willcall.messages import SENT_AT, Message, task_message
from willcall.queues import ORDERS, share_of


def _message(seconds_ago: float, tenant: str) -> Message:
    content = orjson.dumps({"requests": [{"tenant": "demo", **make_body()}]})
    message = task_message("orders.create", content, queue=ORDERS, summary="…", requests=1, tenant=tenant)
    sent_at = round((time.time() - seconds_ago) * 1_000)
    return replace(message, headers={**message.headers, SENT_AT: sent_at})


def _metrics(port: int) -> list[Sample]:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=PATIENCE_SECONDS) as answer:
        families = text_string_to_metric_families(answer.read().decode())
        return [sample for family in families for sample in family.samples]


def _ages(port: int) -> dict[str, float]:
    samples = _metrics(port)
    return {one.labels["queue"]: one.value for one in samples if one.name == "willcall_queue_oldest_seconds"}


def _value(port: int, name: str) -> float:
    return sum(sample.value for sample in _metrics(port) if sample.name == name)


def test_a_worker_that_stands_still_shows_how_long_its_messages_wait(broker: Broker, engine: Engine) -> None:
    load(engine)
    port = free_port()
    broker.worker(WILLCALL_WORKER_METRICS_PORT=str(port))
    share = share_of("demo", broker.url)
    with locked(engine, "requests"):
        broker.publisher().publish([_message(10_000, "demo"), _message(10, "demo")])
        wait_until(lambda: waits_for_a_lock(engine), what="a worker that waits")
        first = _ages(port)
        assert set(first) == {share, ORDERS}
        assert first[ORDERS] == 0
        assert 10_000 <= first[share] < 10_000 + 2 * PATIENCE_SECONDS
        assert _ages(port)[share] > first[share]
    wait_until(lambda: scalar(engine, "SELECT count(*) FROM orders") == 2, what="all orders")
    wait_until(lambda: _ages(port) == {ORDERS: 0}, what="nothing in hand")


@pytest.mark.parametrize("broker", [VALKEY], indirect=True)
def test_a_database_that_takes_nothing_is_shown_while_it_lasts(broker: Broker, engine: Engine) -> None:
    load(engine)
    port = free_port()
    broker.worker(WILLCALL_WORKER_METRICS_PORT=str(port))
    broker.publisher().publish([_message(0, "demo")])
    # A worker that still waits for its database tries no batch.
    wait_until(lambda: _value(port, "willcall_batches_total") == 1, what="a worker that takes orders")
    assert _value(port, "willcall_breaker_open") == 0
    with TROUBLES["table missing"](engine):
        broker.publisher().publish([_message(0, "demo")])
        wait_until(lambda: _value(port, "willcall_batch_retries_total") >= 2, what="two failed attempts")
        assert _value(port, "willcall_breaker_open") == 1
        assert _value(port, "willcall_batches_total") == 1
    wait_until(lambda: _value(port, "willcall_batches_total") == 2, what="the batch")
    wait_until(lambda: _value(port, "willcall_breaker_open") == 0, what="a closed breaker")
    assert _value(port, "willcall_redelivered_messages_total") == 0


@pytest.mark.parametrize("broker", [RABBITMQ], indirect=True)
def test_messages_of_a_worker_that_was_killed_are_counted_as_redelivered(
    broker: Broker, engine: Engine
) -> None:
    load(engine)
    port = free_port()
    killed = broker.worker(name="killed")
    with locked(engine, "requests"):
        broker.publisher().publish([_message(0, "demo")])
        wait_until(lambda: waits_for_a_lock(engine), what="a worker that waits")
        killed.end(signal.SIGKILL)
        broker.worker(WILLCALL_WORKER_METRICS_PORT=str(port))
    wait_until(lambda: _value(port, "willcall_redelivered_messages_total") == 1, what="the message")
    assert scalar(engine, "SELECT count(*) FROM orders") == 1
