"""RabbitMQ sends a worker enough messages ahead to fill a batch, whatever the size of those before."""

import pytest

from tests.brokers import RABBITMQ, Broker
from willcall.messages import Message, task_message
from worker.broker.amqp.source import AmqpSource

_BATCH = 500  # requests

pytestmark = pytest.mark.parametrize("broker", [RABBITMQ], indirect=True)


def _messages(number: int, requests: int) -> list[Message]:
    return [
        task_message("orders.create", b"{}", queue="orders", summary="…", requests=requests, tenant="demo")
        for _ in range(number)
    ]


def _take(source: AmqpSource, messages: int) -> int:
    """Take messages until there are so many or no more come; return how many came, unacknowledged."""
    taken = 0
    while taken < messages and (batch := source.take(_BATCH, 2)):
        taken += len(batch)
    return taken


@pytest.mark.parametrize("requests", [1, 5, 10, 20, 31, 100, 500])
def test_lone_requests_fill_a_batch_after_messages_of_any_size(broker: Broker, requests: int) -> None:
    publisher = broker.publisher()
    source = AmqpSource(broker.url, broker.settings)
    publisher.publish(_messages(100, requests))
    for _ in range(100):
        batch = source.take(1, 5)
        source.acknowledge(batch)

    publisher.publish(_messages(_BATCH * 2, 1))
    taken = _take(source, _BATCH)
    source.close()

    assert taken >= _BATCH
