"""Every tenant with much to do gets as much of the worker as the next, and nothing comes twice by that."""

import time
from itertools import count
from typing import Any

import pytest
from sqlalchemy import Engine

from tests.brokers import RABBITMQ, Broker
from tests.processes import wait_until
from willcall.messages import Message, task_message
from willcall.queues import is_amqp, share_of
from worker.broker.amqp.source import AmqpSource, _Subscription
from worker.broker.deliveries import Delivery
from worker.broker.lanes import Lanes
from worker.broker.redis.source import RedisSource

_MESSAGES = 40


def _message(tenant: str, requests: int = 100) -> Message:
    return task_message("orders.create", b"{}", queue="orders", summary="…", requests=requests, tenant=tenant)


def _tenants(number: int, url: str) -> list[str]:
    """Return names of tenants that have different shares."""
    names: dict[str, str] = {}
    for place in count():
        names.setdefault(share_of(f"tenant-{place}", url), f"tenant-{place}")
        if len(names) == number:
            return list(names.values())
    raise AssertionError


def _is_even(taken: list[str], names: list[str]) -> bool:
    shares = [taken.count(name) for name in names]
    return max(shares) <= 1.25 * min(shares) + 1


@pytest.mark.parametrize("limit", [50, 100, 150])
@pytest.mark.parametrize("tenants", [2, 3, 4, 5])
@pytest.mark.parametrize("has_light", [False, True])
def test_lanes_have_even_turns(tenants: int, limit: int, has_light: bool) -> None:
    names = [f"tenant-{number}" for number in range(tenants)]
    lanes = Lanes()
    for name in names:
        for _ in range(300):
            lanes.add(name, Delivery(name, "", "", b"x", requests=100))

    taken: list[str] = []
    for _ in range(120):
        if has_light:
            lanes.add("light", Delivery("light", "", "", b"x", requests=1))
        taken += [delivery.tag for delivery in lanes.take(limit)]

    assert _is_even(taken, names), [taken.count(name) for name in names]
    if has_light:
        assert taken.count("light") >= 119


@pytest.mark.parametrize("limit", [50, 100, 200])
@pytest.mark.parametrize("tenants", [2, 3, 4])
def test_tenants_have_even_turns(broker: Broker, tenants: int, limit: int) -> None:
    names = _tenants(tenants, broker.url)
    broker.publisher().publish([_message(name) for name in names for _ in range(_MESSAGES)])
    source = (AmqpSource if is_amqp(broker.url) else RedisSource)(broker.url, broker.settings)
    taken: list[str] = []
    # As long as all of them have something left.
    while not taken or max(taken.count(name) for name in names) < _MESSAGES // 2:
        batch = source.take(limit, 5)
        source.read_ahead(limit)
        taken += [delivery.headers["willcall_tenant"] for delivery in batch]
        source.acknowledge(batch)
    source.close()
    broker.publisher().close()

    if is_amqp(broker.url):
        # At first there is only what RabbitMQ has sent so far.
        taken = taken[tenants * 4 :]
    assert _is_even(taken, names), [taken.count(name) for name in names]


@pytest.mark.parametrize("broker", [RABBITMQ], indirect=True)
def test_a_message_that_comes_while_subscriptions_are_renewed_comes_once(
    broker: Broker, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    publisher = broker.publisher()
    source = AmqpSource(broker.url, broker.settings)
    open_ = _Subscription.open
    sent: list[Message] = []

    def opened(subscription: Any) -> None:
        if not sent and subscription.queue == share_of("demo", broker.url):
            # Another subscription's turn is before this one's, and takes what comes for this one meanwhile.
            sent.append(_message("demo", 1))
            publisher.publish(sent)
            time.sleep(0.2)
        open_(subscription)

    monkeypatch.setattr(_Subscription, "open", opened)
    taken: list[str] = []

    def take() -> list[str]:
        batch = source.take(500, 0.3)
        source.acknowledge(batch)
        taken.extend(delivery.message_id for delivery in batch)
        return taken

    wait_until(lambda: bool(take()), what="the message")
    later = [_message("demo", 1) for _ in range(3)]
    publisher.publish(later)
    wait_until(lambda: len(take()) >= 4, what="those after it")
    source.close()

    assert taken == [message.headers["id"] for message in (*sent, *later)]
    assert broker.depth() == 0
