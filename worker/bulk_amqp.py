"""Taking messages in bulk from RabbitMQ: a channel of our own, prefetch, one ack for a batch."""

import time
from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any, Final

from kombu import Connection

from worker.amqp_socket import AmqpSocket
from worker.deliveries import Delivery, SourceLost, count_requests, first_batch
from worker.queues import DEAD_EXCHANGE, DEAD_QUEUE, ORDERS, PROBE, PROBE_RETURNS, queues, transport_options
from worker.settings import Settings

# Messages that the broker sends ahead of our acks. They wait in the sockets' buffers, not in our
# memory: we read only as much as the next batch takes.
_PREFETCH: Final = 1_000

_CHECK_SECONDS: Final = 5.0


class AmqpSource:
    """The queue `orders` of a RabbitMQ, and what its broker dead-lettered."""

    def __init__(self, broker_url: str, settings: Settings) -> None:
        self._buffer: deque[Delivery] = deque()
        self._buffered = 0  # requests
        self._next_check = time.monotonic() + _CHECK_SECONDS
        # No heartbeats: nobody answers them while a batch is in the database. TCP keepalive and the
        # broker's own consumer timeout notice a peer that is gone.
        self._connection = Connection(
            broker_url, transport_options=transport_options(settings, broker_url), heartbeat=0
        )
        self._errors = (*self._connection.connection_errors, *self._connection.channel_errors, OSError)
        try:
            self._channel = self._connection.channel()
            self._socket = AmqpSocket(self._connection.connection)
            for entity in (*queues(broker_url), DEAD_EXCHANGE, DEAD_QUEUE):
                entity(self._channel).declare()
            self._channel.basic_qos(0, _PREFETCH, False)
            self._channel.basic_consume(ORDERS, callback=self._receive)
            self._channel.basic_consume(DEAD_QUEUE.name, callback=self._receive_dead)
        except self._errors as error:
            self._connection.release()
            raise SourceLost(str(error)) from error

    def take(self, limit: int, timeout_seconds: float) -> list[Delivery]:
        try:
            if not self._buffer and not self._drain(timeout_seconds):
                self._check_consumer()
            while self._buffered < limit and self._drain(0):
                pass
        except self._errors as error:
            raise SourceLost(str(error)) from error
        taken = [self._buffer.popleft() for _ in range(first_batch(self._buffer, limit))]
        self._buffered -= sum(delivery.requests for delivery in taken)
        return taken

    def _drain(self, timeout_seconds: float) -> bool:
        """Handle what the broker has sent; False when there was nothing in time."""
        try:
            self._socket.drain(timeout_seconds)
        except (TimeoutError, BlockingIOError):
            return False
        return True

    def _check_consumer(self) -> None:
        """Raise `SourceLost` if messages wait for us and do not come.

        A broker tells its consumers when it cancels them; but a queue that is deleted and made again at
        once was seen to leave its consumer without a word.
        """
        if time.monotonic() < self._next_check:
            return
        self._next_check = time.monotonic() + _CHECK_SECONDS
        waiting = self._channel.queue_declare(ORDERS, passive=True).message_count
        if waiting and not self._buffer and not self._drain(_CHECK_SECONDS):
            raise SourceLost(f"{waiting} messages wait on the queue and do not come")

    def _receive(self, message: Any) -> None:
        if is_probe(message.headers):
            is_returned = returns_of(message.headers) < PROBE_RETURNS
            self._channel.basic_reject(message.delivery_tag, requeue=is_returned)
            return
        self._add(_delivery(message))

    def _receive_dead(self, message: Any) -> None:
        if is_probe(message.headers):
            self._channel.basic_ack(message.delivery_tag)
            return
        self._add(_delivery(message, dead_reason=f"the broker gave it up: {death_of(message.headers or {})}"))

    def _add(self, delivery: Delivery) -> None:
        self._buffer.append(delivery)
        self._buffered += delivery.requests

    def read_ahead(self, limit: int) -> None:
        """Do nothing: the broker sends ahead by itself."""

    def acknowledge(self, deliveries: Sequence[Delivery]) -> None:
        try:
            self._channel.basic_ack(deliveries[-1].tag, multiple=True)
        except self._errors as error:
            raise SourceLost(str(error)) from error

    def keep(self, deliveries: Sequence[Delivery]) -> None:
        """Do nothing: the broker knows that our connection is open."""

    def close(self) -> None:
        # The broker requeues what a closed channel held.
        self._buffer.clear()
        self._buffered = 0
        self._connection.release()


def _delivery(message: Any, dead_reason: str | None = None) -> Delivery:
    headers = message.headers or {}
    body = message.body
    return Delivery(
        tag=message.delivery_tag,
        task=str(headers.get("task", "")),
        message_id=str(headers.get("id", "")),
        body=body.encode() if isinstance(body, str) else bytes(body),
        requests=count_requests(headers.get("willcall_requests")),
        # Kept by quorum queues: how often it came back before.
        count=returns_of(headers) + 1,
        dead_reason=dead_reason,
    )


# Whoever publishes writes what headers he likes, also those that a broker would write.


def is_probe(headers: Mapping[str, Any] | None) -> bool:
    """Say whether a message holds no order: it only asks what becomes of one that is given up."""
    return headers is not None and PROBE in headers


def death_of(headers: Mapping[str, Any]) -> str:
    """Return why the broker dead-lettered a message, by its `x-death`: tables, the last death first."""
    deaths = headers.get("x-death")
    first = deaths[0] if isinstance(deaths, list) and deaths else None
    reason = first.get("reason") if isinstance(first, Mapping) else None
    return reason[:200] if isinstance(reason, str) and reason else "unknown"


def returns_of(headers: Mapping[str, Any]) -> int:
    """Return how often a message came back before, by its `x-delivery-count`."""
    count = headers.get("x-delivery-count", 0)
    return count if isinstance(count, int) and 0 <= count < 2**31 else 0
