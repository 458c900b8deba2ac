"""The number of messages that wait in a queue, on both brokers."""

from collections.abc import Sequence
from dataclasses import dataclass

from kombu import Connection

from willcall.queues import ORDERS, is_amqp, order_queues


@dataclass(frozen=True, slots=True)
class Depth:
    """The counts of a queue."""

    waiting: int
    """Messages that no worker has taken yet."""
    consumers: int | None
    """Channels that consume it; None where the broker does not count them (Redis)."""


def depth_of(connection: Connection, queue: str) -> Depth:
    """Return the depth of the queue; that of a missing queue is 0."""
    return _depths(connection, (queue,))[0]


def depths_of(connection: Connection, queues: Sequence[str]) -> dict[str, int]:
    """Return the number of waiting messages by queue."""
    found = _depths(connection, queues)
    return {queue: depth.waiting for queue, depth in zip(queues, found, strict=True)}


def _depths(connection: Connection, queues: Sequence[str]) -> list[Depth]:
    if not is_amqp(connection.as_uri()):
        with connection.default_channel.client.pipeline(transaction=False) as pipeline:
            for queue in queues:
                pipeline.llen(queue)
            return [Depth(int(waiting), None) for waiting in pipeline.execute()]
    return _amqp_depths(connection, queues)


def _amqp_depths(connection: Connection, queues: Sequence[str]) -> list[Depth]:
    found: list[Depth] = []
    channel = connection.channel()
    try:
        for queue in queues:
            if not channel.is_open:
                channel = connection.channel()  # RabbitMQ closes the channel that asks for a missing queue
            try:
                declared = channel.queue_declare(queue, passive=True)
                found.append(Depth(int(declared.message_count), int(declared.consumer_count)))
            except connection.channel_errors:
                found.append(Depth(0, 0))
        return found
    finally:
        if channel.is_open:
            channel.close()


def depth_of_orders(connection: Connection) -> dict[str, int]:
    """Return the number of waiting messages by queue of orders: `orders`, and the shares that hold any."""
    found = depths_of(connection, order_queues(connection.as_uri()))
    return {name: count for name, count in found.items() if count or name == ORDERS}
