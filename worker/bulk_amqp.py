"""Taking messages in bulk from RabbitMQ: channels of our own, prefetch, one ack for a batch."""

import socket
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, Final

from amqp.exceptions import AMQPError
from kombu import Connection

from worker.amqp_messages import is_probe, read_dead_message, read_message, returns_of
from worker.amqp_socket import AmqpSocket
from worker.broker_connections import drop, open_connection
from worker.broker_faults import explain
from worker.deliveries import MAX_BATCH_BYTES, Delivery, SourceLost, first_batch
from worker.queues import DEAD_EXCHANGE, DEAD_QUEUE, ORDERS, PROBE_RETURNS, queues
from worker.settings import Settings

# Messages that the broker sends ahead of our acks. They wait in the sockets' buffers, not in our
# memory: we read only as much as the next batch takes.
_PREFETCH: Final = 1_000

_RENEW_SECONDS: Final = 4.0
"""After so long without a message a subscription is made anew."""

_ERRORS: Final = (AMQPError, OSError)

_CONNECT_SECONDS: Final = 10.0
_ANSWER_SECONDS: Final = 4.0
"""How long one answer of the broker may take: while we connect to it, and afterwards."""


_HEARTBEAT_SECONDS: Final = 20
"""By its silence the broker notices that we are gone, after two or three of these, and returns what we held.

Nobody sends heartbeats while a statement waits in the database. If that takes longer, the batch comes again,
and finds that it is done. Whether the broker is gone we notice sooner: by its answers.
"""


class _Subscription:
    """A consumer of one queue, on a channel of its own; it knows what it has in hand."""

    def __init__(self, connection: Any, queue: str, receive: Callable[[Any, Any], None]) -> None:
        self._connection = connection
        self._queue = queue
        self._receive = receive
        self._last_at = 0.0
        self.in_hand = 0
        self.channel: Any = None

    def open(self, entities: Sequence[Any] = ()) -> None:
        """Subscribe on a new channel, and declare the entities there first."""
        channel, self.channel = self.channel, self._connection.channel()
        for entity in entities:
            entity(self.channel).declare()
        if channel is not None:
            # What the broker holds for this channel and has never sent comes back to the queue.
            channel.close()
        self.channel.basic_qos(0, _PREFETCH, False)
        self.channel.basic_consume(self._queue, callback=self._on_message)
        self._last_at = time.monotonic()

    def _on_message(self, message: Any) -> None:
        # What came on a channel that we left comes again on the new one.
        if message.channel is self.channel:
            self._last_at = time.monotonic()
            self._receive(self, message)

    @property
    def is_idle(self) -> bool:
        """Say whether nothing has come for so long that the broker may have forgotten us."""
        return not self.in_hand and time.monotonic() - self._last_at >= _RENEW_SECONDS

    def acknowledge(self, deliveries: Sequence[Delivery]) -> None:
        """Acknowledge the oldest messages in hand."""
        self.channel.basic_ack(deliveries[-1].tag[1], multiple=True)
        self.in_hand -= len(deliveries)
        self._last_at = time.monotonic()


class AmqpSource:
    """The queue `orders` of a RabbitMQ, and what its broker dead-lettered."""

    def __init__(self, broker_url: str, settings: Settings) -> None:
        self._buffer: deque[Delivery] = deque()
        self._buffered = self._buffered_bytes = 0  # requests, and bytes of their messages
        self._entities = (*queues(broker_url), DEAD_EXCHANGE, DEAD_QUEUE)
        self._next_heartbeat = 0.0
        self._is_lost = False
        self._connection: Connection | None = None
        try:
            self._connection = open_connection(
                broker_url, settings, seconds=_CONNECT_SECONDS, heartbeat=_HEARTBEAT_SECONDS
            )
            self._amqp = self._connection.connection
            self._socket = AmqpSocket(self._amqp)
            self._orders = _Subscription(self._amqp, ORDERS, self._receive)
            self._dead = _Subscription(self._amqp, DEAD_QUEUE.name, self._receive_dead)
            # In this order: orders come as soon as they may, and are in the way of other answers.
            self._dead.open(self._entities)
            self._orders.open()
            self._amqp.transport.sock.settimeout(_ANSWER_SECONDS)
        except _ERRORS as error:
            lost = self._lost(error)
            self.close()
            raise lost from error

    def take(self, limit: int, timeout_seconds: float) -> list[Delivery]:
        try:
            self._send_heartbeat()
            if not self._buffer and not self._drain(timeout_seconds):
                self._renew()
            while not self._is_full(limit) and self._drain(0):
                pass
        except _ERRORS as error:
            raise self._lost(error) from error
        taken = [self._buffer.popleft() for _ in range(first_batch(self._buffer, limit))]
        self._buffered -= sum(delivery.requests for delivery in taken)
        self._buffered_bytes -= sum(delivery.size for delivery in taken)
        return taken

    def _is_full(self, limit: int) -> bool:
        return self._buffered >= limit or self._buffered_bytes >= MAX_BATCH_BYTES

    def _drain(self, timeout_seconds: float) -> bool:
        """Handle what the broker has sent; False when there was nothing in time."""
        try:
            self._socket.drain(timeout_seconds)
        except (TimeoutError, BlockingIOError):
            return False
        return True

    def _renew(self) -> None:
        """Make idle subscriptions anew, with all that they need.

        RabbitMQ tells its consumers when it cancels them; but a quorum queue that is deleted and made again
        at once gives its messages to the consumer of the old one, which never sees them. Nothing that a
        client can ask shows it, and only the end of the channel gives them back.
        """
        for subscription in (self._dead, self._orders):
            if subscription.is_idle:
                subscription.open(self._entities)

    def _lost(self, error: Exception) -> SourceLost:
        self._is_lost = True
        return SourceLost(explain(error))

    def _receive(self, subscription: _Subscription, message: Any) -> None:
        if is_probe(message.headers):
            is_returned = returns_of(message.headers) < PROBE_RETURNS
            message.channel.basic_reject(message.delivery_tag, requeue=is_returned)
            return
        self._add(subscription, read_message(message, (subscription, message.delivery_tag)))

    def _receive_dead(self, subscription: _Subscription, message: Any) -> None:
        if is_probe(message.headers):
            message.channel.basic_ack(message.delivery_tag)
            return
        self._add(subscription, read_dead_message(message, (subscription, message.delivery_tag)))

    def _add(self, subscription: _Subscription, delivery: Delivery) -> None:
        subscription.in_hand += 1
        self._buffer.append(delivery)
        self._buffered += delivery.requests
        self._buffered_bytes += delivery.size

    def read_ahead(self, limit: int) -> None:
        """Do nothing: the broker sends ahead by itself."""

    def acknowledge(self, deliveries: Sequence[Delivery]) -> None:
        try:
            for subscription in (self._orders, self._dead):
                its = [delivery for delivery in deliveries if delivery.tag[0] is subscription]
                if its:
                    subscription.acknowledge(its)
        except _ERRORS as error:
            raise self._lost(error) from error

    def keep(self, deliveries: Sequence[Delivery]) -> None:
        try:
            self._send_heartbeat()
        except _ERRORS as error:
            raise self._lost(error) from error

    def _send_heartbeat(self) -> None:
        now = time.monotonic()
        if now >= self._next_heartbeat:
            self._next_heartbeat = now + _HEARTBEAT_SECONDS / 4
            self._amqp.send_heartbeat()

    def abort(self) -> None:
        with suppress(OSError, AttributeError):
            self._amqp.transport.sock.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        # The broker requeues what a closed channel held.
        self._buffer.clear()
        self._buffered = self._buffered_bytes = 0
        if self._connection is None:
            return
        if self._is_lost:
            drop(self._connection)
            return
        with suppress(*_ERRORS):
            self._connection.release()
