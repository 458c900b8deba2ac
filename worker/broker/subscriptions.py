"""A temporary queue on the exchange of events, for a subscriber that only watches.

RabbitMQ deletes such a queue with its connection. On Redis kombu keeps a set of bindings, and the list of a
killed subscriber would grow without limit. So subscribers sign a list with the time, and later subscribers
and the sweep remove those that have stopped signing.
"""

import time
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import Any, Final, Self
from uuid import uuid4

from kombu import Consumer, Queue

from willcall.connections import open_connection
from willcall.queues import EVENTS, is_amqp
from worker.runtime.settings import Settings

_PREFIX: Final = "willcall.tail."
_SIGNATURES: Final = "willcall.tails"
"""Redis only: the sorted set of the subscribers' queues, by the Unix time of their last signature."""

_CALL_SECONDS: Final = 5.0

_SIGN_EVERY: Final = 10.0
_ABANDONED_AFTER: Final = 60.0


class Subscription:
    """Receives new event messages whose type matches a pattern such as `order.*` or `#`."""

    def __init__(self, broker_url: str, settings: Settings, pattern: str = "#") -> None:
        self._url = broker_url
        self._settings = settings
        self._is_amqp = is_amqp(broker_url)
        self._queue = Queue(
            _PREFIX + uuid4().hex,
            EVENTS,
            pattern,
            durable=False,
            exclusive=True,
            auto_delete=True,
            expires=_ABANDONED_AFTER,
        )
        self._sign_at = 0.0

    def __enter__(self) -> Self:
        self._connection = open_connection(self._url, self._settings, seconds=_CALL_SECONDS)
        try:
            channel = self._connection.channel()
            if not self._is_amqp:
                remove_abandoned(channel)
                self._sign(channel)  # before it is bound: a bound queue without a signature is never removed
            self._bound = self._queue.bind(channel)
            self._bound.declare()
        except BaseException:  # a signal as well: the queue may be bound already
            self._end()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()

    def _end(self) -> None:
        with suppress(Exception):  # the broker and the queue may be gone, or the queue is not there yet
            self._bound.delete()
            if not self._is_amqp:
                with self._bound.channel.conn_or_acquire() as client:
                    client.zrem(_SIGNATURES, self._queue.name)
        self._connection.release()

    def receive(self, take: Callable[[bytes], Any], should_stop: Callable[[], bool]) -> None:
        """Call `take` with each event message as CloudEvents JSON, until `should_stop`, called often."""
        channel = self._bound.channel

        def take_body(message: Any) -> None:
            body = message.body
            take(body if isinstance(body, bytes) else body.encode())

        with Consumer(channel, [self._bound], no_ack=True, on_message=take_body, auto_declare=False):
            while not should_stop():
                if not self._is_amqp and self._sign(channel):
                    self._bound.queue_bind()  # after a long suspension it may have been removed
                with suppress(TimeoutError):
                    self._connection.drain_events(timeout=0.2)

    def _sign(self, channel: Any) -> bool:
        """Sign if due; return whether it was."""
        if time.monotonic() < self._sign_at:
            return False
        with channel.conn_or_acquire() as client:
            client.zadd(_SIGNATURES, {self._queue.name: _server_time(client)})
        self._sign_at = time.monotonic() + _SIGN_EVERY
        return True


def remove_abandoned(channel: Any) -> int:
    """Delete the queues of killed subscribers from a channel's broker (Redis); return their count."""
    with channel.conn_or_acquire() as client:
        latest = _server_time(client) - _ABANDONED_AFTER
        names = client.zrange(_SIGNATURES, "-inf", latest, byscore=True)
    abandoned = {name.decode() if isinstance(name, bytes) else name for name in names}
    for routing_key, pattern, queue in channel.get_table(EVENTS.name) if abandoned else ():
        if queue in abandoned:
            channel._delete(queue, EVENTS.name, routing_key, pattern)
    for queue in abandoned:
        with channel.conn_or_acquire() as client:
            client.zrem(_SIGNATURES, queue)
    return len(abandoned)


def _server_time(client: Any) -> float:
    seconds, microseconds = client.time()
    return float(seconds + microseconds / 1e6)


def clear_abandoned_subscriptions(settings: Settings) -> None:
    """Delete, on Redis, the queues of killed subscribers: they are not read, and would grow."""
    url = settings.broker()
    if not is_amqp(url):
        with open_connection(url, settings, seconds=_CALL_SECONDS) as connection:
            remove_abandoned(connection.default_channel)
