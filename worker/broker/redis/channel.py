"""kombu's transports for Redis and Sentinel, with fixes for two of its bugs (5.7).

A task that ends after the loss of its connection acknowledges on the closed channel. kombu finds no
connection there and raises `AttributeError`, which Celery considers unrecoverable: the worker ends.

kombu records when a message was taken, and decides whether that is too long ago, by its own process's clock.
A worker with a fast clock returns the messages of all others, and keeps its own for too long.
"""

import time
from typing import Any, Final

from kombu.transport import TRANSPORT_ALIASES, _transport_cache, redis, virtual
from redis import ConnectionError as NotConnected

_ALIASES: Final = {
    "redis": "Transport",
    "rediss": "Transport",
    "sentinel": "SentinelTransport",
}


def use_safe_channels() -> None:
    """Make all connections of this process to Redis, Valkey or Sentinel use these transports."""
    TRANSPORT_ALIASES.update({scheme: f"{__name__}:{name}" for scheme, name in _ALIASES.items()})
    for scheme in _ALIASES:
        _transport_cache.pop(scheme, None)  # an earlier connection may have filled it


class QoS(redis.QoS):
    """The unacknowledged messages, with times by the server's clock."""

    def append(self, message: Any, delivery_tag: str) -> None:
        info = message.delivery_info
        entry = redis.dumps([message._raw, info["exchange"], info["routing_key"]])
        with self.pipe_or_acquire() as pipe:
            pipe.zadd(self.unacked_index_key, {delivery_tag: self._server_time()})
            pipe.hset(self.unacked_key, delivery_tag, entry)
            pipe.execute()
        virtual.QoS.append(self, message, delivery_tag)

    @property
    def visibility_timeout(self) -> float:
        """Return the timeout, corrected so that kombu's use of this process's clock gives the server's."""
        return float(self.channel.visibility_timeout) + time.time() - self._server_time()

    def _server_time(self) -> float:
        with self.channel.conn_or_acquire() as client:
            seconds, microseconds = client.time()
        return float(seconds + microseconds * 1e-6)


class Channel(redis.Channel):
    """A channel to one server."""

    QoS = QoS

    def _connparams(self, asynchronous: bool = False) -> Any:
        # It may close at any moment: from "connected" to "without a client" between two of kombu's lines.
        try:
            return super()._connparams(asynchronous)
        except AttributeError as error:
            raise NotConnected("the channel is closed") from error


class SentinelChannel(Channel, redis.SentinelChannel):
    """A channel to the primary that the Sentinels name."""


class Transport(redis.Transport):
    """Redis and Valkey."""

    Channel = Channel


class SentinelTransport(redis.SentinelTransport):
    """Redis and Valkey behind Sentinel."""

    Channel = SentinelChannel
