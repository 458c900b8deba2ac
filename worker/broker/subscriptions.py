"""A temporary queue on the exchange of events, for one who looks on.

RabbitMQ deletes such a queue when its connection is gone. Redis knows nothing of queues: kombu keeps a
set of bindings, and a subscriber that was killed would be sent its copies for ever. So subscribers sign
a list with the time, and whoever comes next clears away those that have stopped signing.
"""

import time
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import Any, Final, Self
from uuid import uuid4

from kombu import Consumer, Queue

from worker.broker.connections import open_connection
from worker.broker.queues import EVENTS, is_amqp
from worker.runtime.settings import Settings

_PREFIX: Final = "willcall.tail."
_SIGNATURES: Final = "willcall.tails"
"""Redis only: a sorted set of the subscribers' queues by the Unix time of their last signature."""

_CALL_SECONDS: Final = 5.0

_SIGN_EVERY: Final = 10.0
_ABANDONED_AFTER: Final = 60.0


class Subscription:
    """Receives the event messages, from now on, whose type matches a pattern such as `order.*` or `#`."""

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
                self._sign(channel)  # before it is bound: what is bound and not signed is never cleared
            self._bound = self._queue.bind(channel)
            self._bound.declare()
        except BaseException:
            self._connection.release()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with suppress(Exception):  # the broker may be gone, and the queue with it
            self._bound.delete()
            if not self._is_amqp:
                with self._bound.channel.conn_or_acquire() as client:
                    client.zrem(_SIGNATURES, self._queue.name)
        self._connection.release()

    def receive(self, take: Callable[[bytes], Any], should_stop: Callable[[], bool]) -> None:
        """Give `take` each event message as CloudEvents JSON until `should_stop`, which is asked often."""
        channel = self._bound.channel

        def take_body(message: Any) -> None:
            body = message.body
            take(body if isinstance(body, bytes) else body.encode())

        with Consumer(channel, [self._bound], no_ack=True, on_message=take_body, auto_declare=False):
            while not should_stop():
                if not self._is_amqp and self._sign(channel):
                    self._bound.queue_bind()  # whoever was suspended for long may have been cleared away
                with suppress(TimeoutError):
                    self._connection.drain_events(timeout=0.2)

    def _sign(self, channel: Any) -> bool:
        """Sign if it is time to; return whether it was."""
        if time.monotonic() < self._sign_at:
            return False
        with channel.conn_or_acquire() as client:
            client.zadd(_SIGNATURES, {self._queue.name: _server_time(client)})
        self._sign_at = time.monotonic() + _SIGN_EVERY
        return True


def remove_abandoned(channel: Any) -> int:
    """Delete the queues of killed subscribers from a channel's broker (Redis); return how many there were."""
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
    """Clear away, on Redis, the queues of subscribers that were killed: nobody reads them, and they grow."""
    url = settings.broker()
    if not is_amqp(url):
        with open_connection(url, settings, seconds=_CALL_SECONDS) as connection:
            remove_abandoned(connection.default_channel)
