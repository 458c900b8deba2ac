"""How many messages wait in a queue, on both brokers."""

from dataclasses import dataclass

from kombu import Connection

from worker.queues import ORDERS, is_amqp, order_queues


@dataclass(frozen=True, slots=True)
class Depth:
    """What a queue holds."""

    waiting: int
    """Messages that no worker has yet."""
    consumers: int | None
    """Channels that take from it; None where the broker does not count them (Redis)."""


def depth_of(connection: Connection, queue: str) -> Depth:
    """Return what the queue holds; one that is not there yet holds nothing."""
    if not is_amqp(connection.as_uri()):
        return Depth(int(connection.default_channel.client.llen(queue)), None)
    channel = connection.channel()  # its own: RabbitMQ closes the channel that asks for a missing queue
    try:
        found = channel.queue_declare(queue, passive=True)
        return Depth(int(found.message_count), int(found.consumer_count))
    except connection.channel_errors:
        return Depth(0, 0)
    finally:
        if channel.is_open:
            channel.close()


def depth_of_orders(connection: Connection) -> dict[str, int]:
    """Return how many messages wait in each queue of orders: in `orders`, and in the shares that have any."""
    url = connection.as_uri()
    names = order_queues(url)
    if is_amqp(url):
        waiting = [depth_of(connection, name).waiting for name in names]
    else:
        with connection.default_channel.client.pipeline(transaction=False) as pipeline:
            for name in names:
                pipeline.llen(name)
            waiting = pipeline.execute()
    return {name: count for name, count in zip(names, waiting, strict=True) if count or name == ORDERS}
