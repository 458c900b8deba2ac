"""What a worker has in hand stays there while it waits for its database, however many heartbeats long."""

import gc
import time
from pathlib import Path

import orjson
import pytest
from kombu import Connection

from tests.brokers import Broker
from tests.factories import make_body
from tests.processes import wait_until
from willcall.messages import Message, task_message
from willcall.queues import ORDERS
from worker.broker.amqp import heartbeats
from worker.broker.amqp.source import AmqpSource
from worker.runtime.settings import Settings


@pytest.mark.parametrize("broker", ["rabbitmq"], indirect=True)
def test_who_waits_for_its_database_is_not_taken_for_gone(
    broker: Broker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(heartbeats, "HEARTBEAT_SECONDS", 1)
    broker.publisher().publish([_message()])
    source = AmqpSource(broker.url, Settings(broker_url=broker.url, home=tmp_path))
    deliveries = source.take(500, 60)
    assert len(deliveries) == 1

    _wait_until_a_silent_one_is_given_up(broker.url)
    _wait_until_a_silent_one_is_given_up(broker.url)

    assert broker.depth() == 0
    source.acknowledge(deliveries)
    source.close()
    assert broker.depth() == 0


@pytest.mark.parametrize("broker", ["rabbitmq"], indirect=True)
def test_a_source_that_nobody_has_any_more_is_given_up(
    broker: Broker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(heartbeats, "HEARTBEAT_SECONDS", 1)
    broker.publisher().publish([_message()])
    source = AmqpSource(broker.url, Settings(broker_url=broker.url, home=tmp_path))
    open_socket = source._amqp.transport.sock  # so that nothing closes it
    deliveries = source.take(500, 60)
    assert len(deliveries) == 1

    del source
    deliveries.clear()
    gc.collect()

    wait_until(lambda: broker.depth() == 1, what="the message of a source that is gone")
    open_socket.close()


def _message() -> Message:
    content = orjson.dumps({"requests": [{"tenant": "demo", **make_body()}]})
    return task_message("orders.create", content, queue=ORDERS, summary="…", requests=1)


def _wait_until_a_silent_one_is_given_up(url: str) -> None:
    with Connection(url, heartbeat=1) as silent:
        silent.connect()
        # Whoever reads nothing and sends nothing: the broker's farewell is seen in what has come.
        transport = silent.connection.transport
        transport.sock.settimeout(0.1)

        def is_given_up() -> bool:
            try:
                return bool(transport.sock.recv(65_536) == b"")
            except TimeoutError:
                return False
            except OSError:
                return True

        began = time.monotonic()
        wait_until(is_given_up, what="a silent consumer that the broker gives up")
        assert time.monotonic() - began > 1
        silent.collect()
