"""What an operator does to a RabbitMQ, with the README's own command where it has one."""

import re
import shlex

import orjson
import pytest
from kombu import Connection
from sqlalchemy import Engine

from tests.brokers import Broker
from tests.factories import load, make_body, rows, scalar
from tests.processes import ROOT, wait_until
from tests.rabbitmq import RabbitMQ
from willcall.messages import task_message
from willcall.queues import ORDERS

_README = ROOT / "README.md"


def _policy(delivery_limit: int) -> list[str]:
    """Return the arguments of the README's `rabbitmqctl set_policy`, with another limit."""
    [command] = re.findall(r"`rabbitmqctl (set_policy .*)`", _README.read_text())
    [told] = re.findall(r'"delivery-limit": (\d+)', command)
    assert int(told) >= 1_000, "a message may wait in many workers that end"
    return shlex.split(command.replace(told, str(delivery_limit)))


@pytest.mark.parametrize("broker", ["rabbitmq"], indirect=True)
def test_what_the_broker_gives_up_by_the_readmes_policy_is_a_dead_letter(
    broker: Broker, rabbitmq: RabbitMQ, engine: Engine
) -> None:
    load(engine)
    rabbitmq.ctl(*_policy(delivery_limit=2))
    try:
        broker.worker(name="first").end()  # what dead letters go through is declared by a worker
        # A probe of its may be left: it expires in the queue.
        wait_until(lambda: broker.depth() == 0, what="an empty queue")
        before = broker.depth("orders.dead")
        bodies = [{"tenant": "demo", **make_body()} for _ in range(2)]
        messages = [
            task_message("orders.create", orjson.dumps({"requests": [body]}), queue=ORDERS, summary="…")
            for body in bodies
        ]
        broker.publisher().publish(messages[:1])
        for _ in range(3):
            wait_until(lambda: broker.depth() == 1, what="the message")
            # Taken and given back.
            with Connection(broker.url) as connection:
                assert connection.default_channel.basic_get(ORDERS) is not None
        wait_until(lambda: broker.depth("orders.dead") > before, what="what the broker gave up")
        broker.publisher().publish(messages[1:])
        broker.worker(name="second")
        wait_until(lambda: scalar(engine, "SELECT count(*) FROM dead_letters") == 1, what="a dead letter")
        wait_until(lambda: scalar(engine, "SELECT count(*) FROM orders") == 1, what="the other order")
    finally:
        rabbitmq.ctl("clear_policy", "willcall")
    [(reason, message)] = rows(engine, "SELECT reason, message FROM dead_letters")
    assert reason == "the broker dead-lettered it: delivery_limit"
    assert orjson.loads(bytes(message))[1]["requests"] == bodies[:1]
