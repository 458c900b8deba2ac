"""Brokers that die and come back under the worker's hands."""

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import orjson
import pytest
import redis
from kombu import Connection
from sqlalchemy import Engine

from tests.brokers import Broker
from tests.factories import load, make_body, make_event, make_ticket_class, scalar
from tests.processes import PATIENCE_SECONDS, wait_until
from tests.rabbitmq import RabbitMQ, running_rabbitmq
from willcall.messages import Message, task_message
from willcall.publishing import NotConfirmed, Publisher
from willcall.queues import ORDERS
from worker.runtime import embedded


def _message(*bodies: dict[str, object]) -> Message:
    content = orjson.dumps({"requests": [{"tenant": "demo", **body} for body in bodies]})
    return task_message("orders.create", content, queue=ORDERS, summary="…", requests=len(bodies))


def _orders(engine: Engine) -> int:
    return int(scalar(engine, "SELECT count(*) FROM orders"))


class _Flood(threading.Thread):
    """Publishes messages of ten orders until it is stopped, and again when they were not confirmed."""

    def __init__(self, publisher: Publisher) -> None:
        super().__init__(daemon=True)
        self.sent = 0
        self._publisher = publisher
        self._stopping = threading.Event()

    def run(self) -> None:
        while not self._stopping.is_set():
            message = _message(*(make_body() for _ in range(10)))
            while True:
                try:
                    self._publisher.publish([message])
                    break
                except NotConfirmed:
                    time.sleep(0.1)
            self.sent += 10
            time.sleep(0.01)

    def end(self) -> int:
        self._stopping.set()
        self.join(PATIENCE_SECONDS)
        assert not self.is_alive()
        return self.sent


def _survives(broker: Broker, engine: Engine, outage: Callable[[], object]) -> None:
    load(engine, make_event(ticket_classes=[make_ticket_class(capacity=1_000_000)]))
    worker = broker.worker("orders,maintenance", WILLCALL_VISIBILITY_TIMEOUT_SECONDS="5")
    flood = _Flood(broker.publisher())
    flood.start()
    wait_until(lambda: _orders(engine) > 100, what="orders before the outage")
    outage()
    before = _orders(engine)
    wait_until(lambda: _orders(engine) > before + 100, what="orders after the outage")
    sent = flood.end()
    wait_until(lambda: _orders(engine) == sent, what=f"all {sent} orders")
    time.sleep(1)
    assert _orders(engine) == scalar(engine, "SELECT count(*) FROM requests") == sent
    assert worker.process.poll() is None
    assert worker.end() == 0


@pytest.fixture
def own_rabbitmq(home: Path, engine: Engine, tmp_path: Path) -> Iterator[tuple[Broker, RabbitMQ]]:
    with running_rabbitmq(tmp_path / "rabbitmq") as server, ExitStack() as stack:
        yield Broker(server.url, home, tmp_path, stack), server


def test_a_rabbitmq_that_is_killed_and_comes_back_loses_no_order(
    own_rabbitmq: tuple[Broker, RabbitMQ], engine: Engine
) -> None:
    broker, server = own_rabbitmq

    def outage() -> None:
        server.kill()
        time.sleep(1)
        server.start()

    _survives(broker, engine, outage)


@pytest.mark.parametrize("broker", ["rabbitmq"], indirect=True)
def test_a_rabbitmq_that_closes_all_connections_loses_no_order(
    broker: Broker, rabbitmq: RabbitMQ, engine: Engine
) -> None:
    _survives(broker, engine, lambda: rabbitmq.ctl("close_all_connections", "maintenance"))


def _messages(server: RabbitMQ) -> int:
    """Return how many messages of the queue of orders wait or are not acknowledged."""
    listed = server.ctl("--silent", "list_queues", "--no-table-headers", "name", "messages")
    return next((int(count) for name, count in map(str.split, listed.splitlines()) if name == ORDERS), 0)


def test_a_consumer_that_the_broker_cancels_comes_back(
    own_rabbitmq: tuple[Broker, RabbitMQ], engine: Engine
) -> None:
    broker, server = own_rabbitmq
    load(engine, make_event(ticket_classes=[make_ticket_class(capacity=1_000_000)]))
    broker.publisher().publish([_message(make_body())])
    # A queue that is deleted in the middle of an ack tells nobody: wait for the ack. What RabbitMQ tells of
    # its queues is some seconds old, hence the message must have been seen before.
    wait_until(lambda: _messages(server) == 1, what="the message")
    worker = broker.worker()
    wait_until(lambda: _messages(server) == 0, what="the first order")
    # The broker cancels the consumer; the worker must declare the queue again and go on.
    with Connection(broker.url) as connection:
        connection.default_channel.queue_delete(ORDERS)
    wait_until(lambda: "lost the broker" in worker.output(), what="a worker that has noticed")

    def accepted() -> bool:
        try:
            broker.publisher().publish([_message(make_body())])
        except NotConfirmed:
            return False
        return True

    wait_until(accepted, what="a queue to publish to")
    wait_until(lambda: _orders(engine) >= 2, what="an order on the new queue")


def test_a_valkey_that_is_killed_and_comes_back_loses_no_order(
    home: Path, engine: Engine, tmp_path: Path
) -> None:
    own = tmp_path / "valkey"
    url = embedded.broker_url(own)
    with ExitStack() as servers, ExitStack() as stack:
        servers.enter_context(embedded.running(own, postgres=False))
        client = redis.Redis(unix_socket_path=url.removeprefix("redis+socket://"))
        # Each write is on disk before it is answered: what production sets.
        client.config_set("appendfsync", "always")

        def outage() -> None:
            os.kill(int(client.info("server")["process_id"]), signal.SIGKILL)
            time.sleep(1)
            servers.enter_context(embedded.running(own, postgres=False))
            client.config_set("appendfsync", "always")

        broker = Broker(url, home, tmp_path, stack)
        _survives(broker, engine, outage)
        client.close()
