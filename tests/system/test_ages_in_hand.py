"""A worker shows the age of the messages that it has taken, until it has processed them."""

import time
import urllib.request
from dataclasses import replace

import orjson
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import Engine

from tests.brokers import Broker
from tests.factories import load, make_body, scalar
from tests.processes import PATIENCE_SECONDS, wait_until
from tests.rabbitmq import free_port
from tests.system.locks import locked, waits_for_a_lock
from willcall.messages import SENT_AT, Message, task_message
from willcall.queues import ORDERS, share_of


def _message(seconds_ago: float, tenant: str) -> Message:
    content = orjson.dumps({"requests": [{"tenant": "demo", **make_body()}]})
    message = task_message("orders.create", content, queue=ORDERS, summary="…", requests=1, tenant=tenant)
    sent_at = round((time.time() - seconds_ago) * 1_000)
    return replace(message, headers={**message.headers, SENT_AT: sent_at})


def _ages(port: int) -> dict[str, float]:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=PATIENCE_SECONDS) as answer:
        return {
            sample.labels["queue"]: sample.value
            for family in text_string_to_metric_families(answer.read().decode())
            for sample in family.samples
            if sample.name == "willcall_queue_oldest_seconds"
        }


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
