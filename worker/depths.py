"""How many messages wait in a queue, on both brokers."""

from dataclasses import dataclass

from kombu import Connection

from worker.queues import is_amqp


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
