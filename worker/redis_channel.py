"""kombu's transports for Redis and Sentinel, whose closed channels say that they are closed.

A task that ends after its connection was lost acknowledges on the channel that is closed by then. kombu (5.7)
finds no connection there and raises `AttributeError`, which Celery takes for unrecoverable: the worker ends.
"""

from typing import Any, Final

from kombu.transport import TRANSPORT_ALIASES, redis
from redis import ConnectionError as NotConnected

_ALIASES: Final = {
    "redis": "Transport",
    "rediss": "Transport",
    "sentinel": "SentinelTransport",
}


def use_safe_channels() -> None:
    """Have all connections of this process to Redis, Valkey or Sentinel use these transports."""
    TRANSPORT_ALIASES.update({scheme: f"{__name__}:{name}" for scheme, name in _ALIASES.items()})


class Channel(redis.Channel):
    """A channel to one server."""

    def _connparams(self, asynchronous: bool = False) -> Any:
        if self.connection is None:
            raise NotConnected("the channel is closed")
        return super()._connparams(asynchronous)


class SentinelChannel(Channel, redis.SentinelChannel):
    """A channel to whichever server the Sentinels name."""


class Transport(redis.Transport):
    """Redis and Valkey."""

    Channel = Channel


class SentinelTransport(redis.SentinelTransport):
    """Redis and Valkey behind Sentinel."""

    Channel = SentinelChannel
