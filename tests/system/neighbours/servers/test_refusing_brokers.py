"""A broker that takes nothing more: a thousand accepted orders, and what is told of them, outlast it."""

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Final

import orjson
import pytest
from kombu import Connection
from sqlalchemy import Engine

from tests.brokers import Broker
from tests.factories import load, make_body, make_event, make_ticket_class, scalar
from tests.processes import pause, resume, wait_until
from tests.rabbitmq import RabbitMQ
from tests.system.neighbours.events.listening import listening
from willcall.messages import task_message
from willcall.queues import ORDERS

_ORDERS: Final = 1_000
_RESUMES_SECONDS: Final = 10.0


@contextmanager
def _alarm(rabbitmq: RabbitMQ) -> Iterator[None]:
    rabbitmq.ctl("set_vm_memory_high_watermark", "0")
    try:
        yield
    finally:
        rabbitmq.ctl("set_vm_memory_high_watermark", "0.4")


@contextmanager
def _full(url: str) -> Iterator[None]:
    with Connection(url) as connection:
        client = connection.default_channel.client
        client.config_set("maxmemory", "1")
        try:
            yield
        finally:
            client.config_set("maxmemory", "0")


@pytest.fixture
def refusing(broker: Broker, request: pytest.FixtureRequest) -> Callable[[], AbstractContextManager[None]]:
    if broker.url.startswith("amqp"):
        rabbitmq = request.getfixturevalue("rabbitmq")
        return lambda: _alarm(rabbitmq)
    return lambda: _full(broker.url)


def test_a_thousand_orders_and_their_events_outlast_a_broker_that_refuses(
    broker: Broker, engine: Engine, refusing: Callable[[], AbstractContextManager[None]]
) -> None:
    load(engine, make_event(ticket_classes=[make_ticket_class(capacity=10 * _ORDERS)]))
    prompt = {"WILLCALL_PUBLISH_TIMEOUT_SECONDS": "2", "WILLCALL_SWEEP_SECONDS": "1"}
    content = [orjson.dumps({"requests": [{"tenant": "demo", **make_body()}]}) for _ in range(_ORDERS)]
    with listening(broker.url, "order.confirmed") as listener:
        worker = broker.worker("orders,maintenance", **prompt)
        relay = broker.worker("outbox", name="relay", **prompt)
        broker.beat("beat", **prompt)
        pause(worker.process.pid)
        broker.publisher().publish(
            [task_message("orders.create", one, queue=ORDERS, summary="…", requests=1) for one in content]
        )
        with refusing():
            resume(worker.process.pid)
            # What is there is taken: that makes room, and no order waits for those who hear of it.
            wait_until(lambda: scalar(engine, "SELECT count(*) FROM orders") == _ORDERS, what="all orders")
            time.sleep(5)  # time to lose an event message: several tries
            left = scalar(engine, "SELECT count(*) FROM outbox")
            assert left > 0
        started = time.monotonic()
        wait_until(lambda: scalar(engine, "SELECT count(*) FROM outbox") < left, what="the first event")
        assert time.monotonic() - started < _RESUMES_SECONDS
        wait_until(lambda: scalar(engine, "SELECT count(*) FROM outbox") == 0, what="an empty outbox")
        assert len(listener.subjects()) == _ORDERS
    assert scalar(engine, "SELECT count(*) FROM dead_letters") == 0
    assert (worker.end(), relay.end()) == (0, 0)
