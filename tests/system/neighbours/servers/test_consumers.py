"""A consumer that takes nothing while messages wait connects again, whatever the reason: RabbitMQ."""

import socket
from collections.abc import Callable
from contextlib import suppress
from functools import partial

import pytest
from kombu import Connection, Queue
from sqlalchemy import Engine

from tests.brokers import RABBITMQ, Broker
from tests.processes import wait_until
from tests.rabbitmq import RabbitMQ
from tests.system.neighbours.servers.proxies import silent_proxy
from tests.system.neighbours.servers.taking import message, orders, started, takes
from willcall.queues import MAINTENANCE, ORDERS, OUTBOX, queues, share_of, share_queue

_SHARE = share_of("demo", "amqp:")

only_rabbitmq = pytest.mark.parametrize("broker", [RABBITMQ], indirect=True)


def _delete(*names: str, exchanges: tuple[str, ...] = (), again: bool = False) -> Callable[[Broker], None]:
    def act(broker: Broker) -> None:
        with Connection(broker.url) as connection:
            channel = connection.default_channel
            for name in names:
                channel.queue_delete(name)
            for name in exchanges:
                channel.exchange_delete(name)
            if again:
                for queue in (*queues(broker.url), share_queue(_SHARE)):
                    queue(channel).declare()

    return act


def _purge(broker: Broker) -> None:
    with Connection(broker.url) as connection:
        for name in (ORDERS, OUTBOX, MAINTENANCE, "orders.dead"):
            connection.default_channel.queue_purge(name)


@only_rabbitmq
@pytest.mark.parametrize(
    "act",
    [
        _delete(ORDERS, again=True),
        _delete(ORDERS),
        _delete(OUTBOX, MAINTENANCE),
        _delete(_SHARE),
        _delete(_SHARE, again=True),
        _delete(ORDERS, OUTBOX, MAINTENANCE, "orders.dead", again=True),
        _delete("orders.dead"),
        _delete(exchanges=(ORDERS,)),
        _delete(exchanges=("willcall.dead",)),
        _delete(ORDERS, "orders.dead", exchanges=(ORDERS, "willcall.dead"), again=True),
        _purge,
    ],
)
def test_what_is_deleted_under_a_consumer_stops_it_for_a_moment_only(
    broker: Broker, engine: Engine, act: Callable[[Broker], None]
) -> None:
    worker = started(broker, engine)
    for _ in range(2):
        act(broker)
        takes(broker, engine)
    assert worker.process.poll() is None
    wait_until(lambda: _all_is_there(broker), what="all queues to be declared again")


def _all_is_there(broker: Broker) -> bool:
    with suppress(Exception), Connection(broker.url) as connection:
        channel = connection.default_channel
        for name in (ORDERS, "willcall.dead"):
            channel.exchange_declare(name, "direct", passive=True)
        for name in (ORDERS, _SHARE, OUTBOX, MAINTENANCE, "orders.dead"):
            channel.queue_declare(name, passive=True)
        return True
    return False


def _has_orders(engine: Engine, count: int) -> bool:
    return orders(engine) == count


@only_rabbitmq
@pytest.mark.parametrize("queue", [ORDERS, _SHARE])
def test_messages_that_rabbitmq_never_sent_come_back(
    broker: Broker, rabbitmq: RabbitMQ, engine: Engine, queue: str
) -> None:
    """A queue made again at once gives its messages to the old one's consumer, which never sees them."""
    started(broker, engine)
    for _ in range(3):
        before = orders(engine)
        messages = [message(in_share=queue == _SHARE) for _ in range(25)]
        publisher = broker.publisher()
        publisher.publish([])  # connected, so that nothing is between the queue and the messages
        _delete(queue, again=True)(broker)
        publisher.publish(messages)
        wait_until(partial(_has_orders, engine, before + 25), what="25 orders more")


@only_rabbitmq
@pytest.mark.parametrize("options", [{}, {"durable": False}, {"max_length": 5}, {"max_priority": 9}], ids=str)
def test_a_queue_with_other_arguments_is_named_and_passes(
    broker: Broker, engine: Engine, options: dict[str, object]
) -> None:
    worker = started(broker, engine)
    told = worker.output().count("exists with other arguments")

    wait_until(lambda: _replace_queue(broker, options), what="a queue that is not Willcall's")
    wait_until(
        lambda: worker.output().count("exists with other arguments") > told, what="the worker's word of it"
    )
    _delete(ORDERS)(broker)

    takes(broker, engine)
    assert worker.process.poll() is None


def _replace_queue(broker: Broker, options: dict[str, object]) -> bool:
    """Declare the queue as another would; the worker may be quicker with its own."""
    with suppress(Exception), Connection(broker.url) as connection:
        channel = connection.default_channel
        channel.queue_delete(ORDERS)
        Queue(ORDERS, channel=channel, **options).declare()
        return True
    return False


@only_rabbitmq
def test_a_permission_that_is_lost_for_a_time_is_named_and_passes(
    broker: Broker, rabbitmq: RabbitMQ, engine: Engine
) -> None:
    rabbitmq.ctl("add_user", "clerk", "secret")
    try:
        rabbitmq.ctl("set_permissions", "clerk", ".*", ".*", ".*")
        clerk = Broker(
            broker.url.replace("guest:guest", "clerk:secret"), broker.home, broker.folder, broker.stack
        )
        worker = started(clerk, engine)
        rabbitmq.ctl("set_permissions", "clerk", "", "", "")
        rabbitmq.ctl("close_all_connections", "maintenance")
        wait_until(lambda: "lacks a permission" in worker.output(), what="the worker's word")
        rabbitmq.ctl("set_permissions", "clerk", ".*", ".*", ".*")
        takes(clerk, engine)
        assert worker.process.poll() is None
    finally:
        rabbitmq.ctl("delete_user", "clerk")


@only_rabbitmq
def test_a_connection_whose_other_side_is_silent_is_replaced(
    broker: Broker, rabbitmq: RabbitMQ, engine: Engine
) -> None:
    with silent_proxy(lambda: socket.create_connection(("127.0.0.1", rabbitmq.port))) as proxy:
        url = broker.url.replace(str(rabbitmq.port), str(proxy.port))
        there = Broker(url, broker.home, broker.folder, broker.stack)
        worker = started(there, engine)
        proxy.fall_silent()
        takes(broker, engine)
        assert worker.process.poll() is None


@only_rabbitmq
def test_a_channel_that_rabbitmq_closes_is_opened_again(
    broker: Broker, rabbitmq: RabbitMQ, engine: Engine
) -> None:
    worker = started(broker, engine)
    # Each ends as the channel of a consumer does that acknowledges nothing for too long.
    close = "[rabbit_channel:shutdown(Pid) || Pid <- rabbit_channel:list()], ok."
    for _ in range(2):
        rabbitmq.ctl("eval", close)
        takes(broker, engine)
    assert worker.process.poll() is None
