"""What the benchmarks do to the queues themselves."""

import contextlib
from collections.abc import Callable, Iterator, Sequence

from kombu import Connection, Queue

from willcall.messages import Message
from willcall.publishing import Publisher
from willcall.queues import EVENTS, ORDERS, is_amqp, order_queues, queues, share_queue
from willcall.redis_waits import wake_workers
from worker.runtime.settings import Settings


def empty_queues(url: str) -> None:
    """Declare Willcall's queues, and remove what waits in them and in the tenants' shares."""
    _, *shares = order_queues(url)
    with Connection(url) as connection:
        channel = connection.default_channel
        for queue in (*queues(url), *map(share_queue, shares)):
            bound = queue(channel)
            bound.declare()
            bound.purge()


@contextlib.contextmanager
def listening_queue(url: str) -> Iterator[None]:
    """Keep a queue that receives all event messages: an exchange that nobody listens to costs nothing."""
    queue = Queue("benchmarks.events", EVENTS, "#", durable=True)
    with Connection(url) as connection:
        bound = queue(connection.default_channel)
        bound.declare()
    try:
        yield
    finally:
        with Connection(url) as connection:
            queue(connection.default_channel).delete()


Send = Callable[[int, int], object]
"""Publishes the messages from one index to another, and returns when the broker has them."""


@contextlib.contextmanager
def sending(url: str, messages: Sequence[Message]) -> Iterator[Send]:
    """Yield what publishes these messages at little cost, as if the producers were on other machines."""
    if not is_amqp(url):
        with _sending_to_redis(url, messages) as send:
            yield send
        return
    with Publisher(url, Settings(broker_url=url)) as publisher:
        publisher.publish([])  # connects
        yield lambda start, stop: publisher.publish(messages[start:stop])


@contextlib.contextmanager
def _sending_to_redis(url: str, messages: Sequence[Message]) -> Iterator[Send]:
    # kombu needs half a millisecond of processor time to make what it writes: it is made beforehand.
    elsewhere = url.partition("?")[0] + "?virtual_host=9"
    with Publisher(elsewhere, Settings(broker_url=elsewhere)) as publisher:
        publisher.publish(messages)
    with Connection(elsewhere) as connection:
        client = connection.default_channel.client
        (queue,) = client.scan_iter(f"{ORDERS}*", _type="list")  # the share of the one tenant that they have
        ready = client.lrange(queue, 0, -1)[::-1]
        client.delete(queue)
    with Connection(url) as connection:
        channel = connection.default_channel

        def send(start: int, stop: int) -> None:
            channel.client.lpush(queue, *ready[start:stop])
            wake_workers(channel.client, channel.global_keyprefix)

        yield send
