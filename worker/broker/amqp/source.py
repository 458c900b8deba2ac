"""Taking messages in bulk from RabbitMQ: a channel for each queue, prefetch, one ack for a batch."""

import socket
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from itertools import islice
from typing import Any, Final

from amqp.exceptions import AMQPError
from kombu import Connection

from willcall.amqp_socket import AmqpSocket
from willcall.connections import blame, drop, open_connection
from willcall.queues import DEAD_EXCHANGE, DEAD_QUEUE, PROBE_RETURNS, order_queues, queues, share_queue
from worker.broker.ages import oldest_by_queue, sent_at
from worker.broker.amqp.heartbeats import Heartbeats, heartbeat_seconds
from worker.broker.amqp.messages import is_probe, read_dead_message, read_message, returns_of
from worker.broker.deliveries import Delivery, SourceLost
from worker.broker.faults import explain
from worker.broker.lanes import Lanes
from worker.runtime.settings import Settings

_NARROW: Final = 32
_WIDE: Final = 1_000
"""Messages of one queue that the broker sends ahead of our acks: few large ones, or many small ones.

A batch needs some hundreds of small messages; as many large ones would delay the messages of all other
queues, which share the connection.
"""

_SMALL_BYTES: Final = 8 * 1024
_MANY_BYTES: Final = 16 * 1024 * 1024
"""The prefetch grows while messages are smaller than the first on average, and shrinks above the second."""

_REQUESTS_AHEAD: Final = 1_000
"""Requests of small messages to prefetch: with more, other workers would have nothing to do."""

_AHEAD_BYTES: Final = 64 * 1024 * 1024
"""Bytes of all unacknowledged messages; further ones wait in the sockets' buffers."""

_RENEW_SECONDS: Final = 4.0
"""After this time without a message a subscription is renewed, in `_TURNS` groups."""

_TURNS: Final = 4

_ERRORS: Final = (AMQPError, OSError)

_CONNECT_SECONDS: Final = 10.0
_ANSWER_SECONDS: Final = 4.0
"""How long an answer of the broker may take: while connecting, and afterwards."""


class _Subscription:
    """A consumer of one queue, on its own channel; it tracks its unacknowledged messages."""

    def __init__(
        self,
        connection: Any,
        socket_: AmqpSocket,
        queue: str,
        receive: Callable[[Any, Any], None],
        entities: Sequence[Any],
    ) -> None:
        self._connection = connection
        self._socket = socket_
        self._receive = receive
        self._entities = entities
        self.last_at = 0.0
        self._prefetch = _NARROW
        self._consumer_tag = ""
        self._in_hand: dict[int, Delivery] = {}  # by tag, oldest first
        self._bytes = self._requests = 0
        self.queue = queue
        self.channel: Any = None

    def open(self) -> None:
        """Declare the needed entities and subscribe, on a new channel."""
        channel, self.channel = self.channel, None
        self.channel = self._connection.channel()
        for entity in self._entities:
            entity(self.channel).declare()
        if channel is not None:
            # Messages that the broker has assigned to this channel and not sent return to the queue.
            channel.close()
        self._consume()
        self.last_at = time.monotonic()

    def _consume(self) -> None:
        self.channel.basic_qos(0, self._prefetch, False)
        self._consumer_tag = f"{self.queue}.{self._prefetch}"
        self.channel.basic_consume(self.queue, self._consumer_tag, callback=self._on_message)

    def _on_message(self, message: Any) -> None:
        # Messages of a closed channel are delivered again on the new one.
        if message.channel is self.channel:
            self.last_at = time.monotonic()
            self._receive(self, message)

    def hold(self, delivery: Delivery) -> None:
        """Record a message as unacknowledged."""
        self._in_hand[delivery.tag[1]] = delivery
        self._bytes += delivery.size
        self._requests += delivery.requests

    def in_hand(self) -> list[Delivery]:
        """Return the unacknowledged messages; in one step, as other threads call it."""
        return list(self._in_hand.values())

    @property
    def is_idle(self) -> bool:
        """Tell whether no message has come for so long that the broker may have dropped the consumer."""
        return not self._in_hand and time.monotonic() - self.last_at >= _RENEW_SECONDS

    def fit_prefetch(self) -> None:
        """Set the prefetch count that fits the size of the messages."""
        fitting = self._fitting_prefetch()
        if fitting == self._prefetch:
            return
        self._prefetch = fitting
        # A second consumer at the same time would get every other message, out of order.
        self.channel.basic_cancel(self._consumer_tag)
        self._consume()

    def _fitting_prefetch(self) -> int:
        count = len(self._in_hand)
        if not count:
            return self._prefetch
        is_small = self._bytes <= count * _SMALL_BYTES
        fitting = min(max(_REQUESTS_AHEAD * count // self._requests, _NARROW), _WIDE) if is_small else _NARROW
        if self._bytes > _MANY_BYTES or self._requests > 2 * _REQUESTS_AHEAD:
            return min(fitting, self._prefetch)
        # A quarter more at least, so that messages of mixed sizes do not subscribe again and again.
        return fitting if count >= _NARROW and fitting >= 1.25 * self._prefetch else self._prefetch

    def acknowledge(self, deliveries: Sequence[Delivery]) -> None:
        """Acknowledge messages: in order within a tenant, in any order between tenants."""
        tags = sorted(delivery.tag[1] for delivery in deliveries)
        if tags == list(islice(self._in_hand, len(tags))):
            self.channel.basic_ack(tags[-1], multiple=True)
        else:
            with self._socket.writing_together():
                for tag in tags:
                    self.channel.basic_ack(tag)
        for delivery in map(self._in_hand.pop, tags):
            self._bytes -= delivery.size
            self._requests -= delivery.requests
        self.last_at = time.monotonic()


class AmqpSource:
    """The orders on RabbitMQ: the queue `orders`, its shares, and the dead-lettered messages."""

    def __init__(self, broker_url: str, settings: Settings) -> None:
        self._lanes = Lanes()
        self._next_renewal = 0.0
        self._is_lost = False
        self._connection: Connection | None = None
        self._heartbeats: Heartbeats | None = None
        try:
            self._connection = open_connection(
                broker_url, settings, seconds=_CONNECT_SECONDS, heartbeat=heartbeat_seconds(broker_url)
            )
            self._amqp = self._connection.connection
            self._heartbeats = Heartbeats(self._amqp)
            self._socket = AmqpSocket(self._amqp)
            self._subscriptions = self._subscribe(broker_url)
            self._amqp.transport.sock.settimeout(_ANSWER_SECONDS)
        except _ERRORS as error:
            lost = self._lost(error)
            self.close()
            raise lost from error

    def _subscribe(self, broker_url: str) -> list[_Subscription]:
        # Orders last: they arrive as soon as they are subscribed, before other answers.
        subscriptions = [self._subscription(DEAD_QUEUE.name, self._receive_dead, (DEAD_EXCHANGE, DEAD_QUEUE))]
        plain, *shares = order_queues(broker_url)
        subscriptions += [self._subscription(name, self._receive, (share_queue(name),)) for name in shares]
        subscriptions.append(self._subscription(plain, self._receive, queues(broker_url)))
        for subscription in subscriptions:
            subscription.open()
        return subscriptions

    def _subscription(
        self, queue: str, receive: Callable[[_Subscription, Any], None], entities: Sequence[Any]
    ) -> _Subscription:
        return _Subscription(self._amqp, self._socket, queue, receive, entities)

    def take(self, limit: int, timeout_seconds: float) -> list[Delivery]:
        try:
            self._send_heartbeat()
            if not self._lanes:
                self._drain(timeout_seconds)
            # Read all available messages: a lone one may be behind many of another tenant.
            while self._lanes.bytes < _AHEAD_BYTES and self._drain(0):
                pass
            for subscription in self._subscriptions:
                subscription.fit_prefetch()
            self._renew_when_due()
        except _ERRORS as error:
            raise self._lost(error) from error
        return self._lanes.take(limit)

    def _drain(self, timeout_seconds: float) -> bool:
        """Handle an event of the broker; return False if none arrives in time."""
        try:
            self._socket.drain(timeout_seconds)
        except (TimeoutError, BlockingIOError):
            return False
        return True

    def _renew_when_due(self) -> None:
        """Renew some of the subscriptions that have been idle for long.

        RabbitMQ tells its consumers when it cancels them. But a quorum queue that is deleted and declared
        again at once assigns its messages to the consumer of the old one, which never sees them. No query
        of a client shows this, and only closing the channel returns them.
        """
        now = time.monotonic()
        if now < self._next_renewal:
            return
        self._next_renewal = now + _RENEW_SECONDS / _TURNS
        idle = sorted((one for one in self._subscriptions if one.is_idle), key=lambda one: one.last_at)
        for subscription in idle[: -(-len(self._subscriptions) // _TURNS)]:
            if subscription.is_idle:
                subscription.open()

    def _lost(self, error: Exception) -> SourceLost:
        self._is_lost = True
        if self._connection is not None:
            blame(self._connection)
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
        subscription.hold(delivery)
        self._lanes.add((subscription.queue, str(delivery.headers.get("willcall_tenant"))), delivery)

    def read_ahead(self, limit: int) -> None:
        """Do nothing: the broker prefetches by itself."""

    def acknowledge(self, deliveries: Sequence[Delivery]) -> None:
        by_subscription: dict[_Subscription, list[Delivery]] = {}
        for delivery in deliveries:
            by_subscription.setdefault(delivery.tag[0], []).append(delivery)
        try:
            for subscription, its in by_subscription.items():
                subscription.acknowledge(its)
        except _ERRORS as error:
            raise self._lost(error) from error

    def keep(self, deliveries: Sequence[Delivery]) -> None:
        try:
            self._send_heartbeat()
        except _ERRORS as error:
            raise self._lost(error) from error

    def _send_heartbeat(self) -> None:
        if self._heartbeats is not None:
            self._heartbeats.send()

    def oldest(self) -> dict[str, float]:
        return oldest_by_queue(
            (subscription.queue, sent_at(delivery.headers))
            for subscription in self._subscriptions
            for delivery in subscription.in_hand()
        )

    def abort(self) -> None:
        with suppress(OSError, AttributeError):
            self._amqp.transport.sock.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        # The broker requeues the messages of a closed channel.
        self._lanes.clear()
        if self._heartbeats is not None:
            self._heartbeats.end()
        if self._connection is None:
            return
        if self._is_lost:
            drop(self._connection)
            return
        with suppress(*_ERRORS):
            self._connection.release()
