"""What woke a worker stays for others as long as something waits, and no longer."""

import random

import pytest
from kombu import Connection

from tests.system.brokers.hands import settings
from willcall.messages import Message, task_message
from willcall.publishing import Publisher
from willcall.queues import ORDERS, order_queues
from willcall.redis_waits import AWAKE
from worker.broker.redis.source import RedisSource
from worker.runtime.settings import Settings

__all__ = ["settings"]


def _message(tenant: str, requests: int) -> Message:
    return task_message("orders.create", b"{}", queue=ORDERS, summary="…", requests=requests, tenant=tenant)


def _waiting(settings: Settings) -> tuple[int, int]:
    """Return how many messages wait, and how many entries that wake a worker for them."""
    with Connection(settings.broker()) as connection:
        client = connection.default_channel.client
        return sum(map(client.llen, order_queues(settings.broker()))), client.xlen(AWAKE)


@pytest.mark.parametrize("seed", range(20))
def test_a_worker_is_woken_as_long_as_something_waits(settings: Settings, seed: int) -> None:
    dice = random.Random(seed)
    tenants = [f"tenant-{number}" for number in range(dice.randint(1, 4))]
    messages = [
        _message(tenant, dice.choice([1, 7, 100, 300, 500]))
        for tenant in tenants
        for _ in range(dice.choice([1, 3, 30]))
    ]
    with Publisher(settings.broker(), settings) as publisher:
        publisher.publish(messages)
    source = RedisSource(settings.broker(), settings)
    taken = 0
    while taken < len(messages):
        batch = source.take(dice.choice([1, 50, 500]), 5)
        if dice.random() < 0.5:
            source.read_ahead(500)
        taken += len(batch)
        source.acknowledge(batch)
        left, entries = _waiting(settings)
        assert entries or not left
    assert source.take(500, 0.01) == []
    assert _waiting(settings) == (0, 0)
    source.close()
