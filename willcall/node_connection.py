"""kombu's connection, to a working node of the broker.

kombu tries the nodes of a list in order, each new connection from the first one on. This one begins with the
node that this process knows to work, reports each failure, and waits only shortly for each node.
"""

import random
from typing import Any, Final

from kombu import Connection
from kombu.connection import ConnectionPool, PooledConnection
from kombu.transport import pyamqp
from redis.backoff import NoBackoff
from redis.retry import Retry

from willcall.broker_urls import SENTINEL
from willcall.nodes import nodes_of
from willcall.queues import amqp_tls

_LONGEST_PAUSE_SECONDS: Final = 2.0
"""Maximum pause between two rounds in which no node could be connected to; kombu's is 30."""

_SENTINEL_SECONDS: Final = 1.0

# Its own generator: connecting must not change the random numbers of a program that sets a seed.
_DICE: Final = random.SystemRandom()


class NodeConnection(Connection):
    """A connection to a broker of one or several nodes; all of Willcall uses it, also through Celery."""

    transport_options: Any
    connect_timeout: Any
    answer_seconds: float | None = None
    """RabbitMQ only: the timeout of each read and write, once connected; None: no limit."""

    def __init__(self, hostname: Any = "localhost", *args: Any, **options: Any) -> None:
        # A copy of a connection gets all its nodes, not only the one that it was connected to.
        alternates = options.pop("alternates", None)
        url = ";".join(alternates) if alternates else hostname
        is_list = isinstance(url, str) and ";" in url
        if alternates:
            for name in ("userid", "password", "virtual_host", "port", "transport", "uri_prefix"):
                options.pop(name, None)
        self._nodes = nodes_of(url) if is_list else None
        self._node = self._nodes.best() if self._nodes is not None else ""
        if is_list and not url.startswith(SENTINEL):
            # kombu begins with the first one, and retries with the others.
            url = ";".join([self._node, *(node for node in url.split(";") if node != self._node)])
        super().__init__(url, *args, **options)
        if isinstance(url, str) and url.startswith(SENTINEL):
            self.transport_options = {**_SENTINEL_OPTIONS, **self.transport_options}

    @property
    def _has_others(self) -> bool:
        return self._nodes is not None and self._nodes.count > 1

    def maybe_switch_next(self) -> None:
        """Switch to the node that is now the best."""
        if self._nodes is not None and self._has_others:
            self._node = self._nodes.best()
            self.switch(self._node)

    def blame(self) -> None:
        """Record that the node of this connection fails: the next connection uses another."""
        if self._nodes is not None:
            self._nodes.fails(self._node)

    def release(self) -> None:
        """Close the connection.

        kombu's Redis transport returns unacknowledged messages even on a lost connection. The error must not
        end a worker that is about to reconnect; the sweep returns the messages later.
        """
        try:
            super().release()
        except AttributeError:
            self._connection = self._default_channel = self._transport = None
            self._closed = True

    close = release

    def _establish_connection(self) -> Any:
        established = self._connect_to_node()
        # Set here, as kombu reconnects by itself.
        if self.answer_seconds is not None and isinstance(established, pyamqp.Connection):
            established.transport.sock.settimeout(self.answer_seconds)
        return established

    def _connect_to_node(self) -> Any:
        if self._nodes is None or not self._has_others:
            return super()._establish_connection()
        options = dict(self.transport_options)
        options["connect_timeout"] = self._nodes.patience(
            options.get("connect_timeout", self.connect_timeout)
        )
        if "ssl" in options:
            options["ssl"] = amqp_tls(self._node)  # the certificate must match this node
        saved, self.transport_options = self.transport_options, options
        try:
            established = super()._establish_connection()
        except Exception:
            self._nodes.refuses(self._node)
            raise
        finally:
            self.transport_options = saved
        self._nodes.serves(self._node)
        return established

    def _ensure_connection(
        self,
        errback: Any = None,
        max_retries: int | None = None,
        interval_start: float = 2,
        interval_step: float = 2,
        interval_max: float = 30,
        *args: Any,
        **options: Any,
    ) -> Any:
        # Processes that lost the same broker must not all reconnect at the same moment.
        jitter = _DICE.uniform(0.5, 1.0)
        longest = min(interval_max, _LONGEST_PAUSE_SECONDS) * jitter
        start = min(interval_start, longest)
        return super()._ensure_connection(
            errback, max_retries, start, interval_step, longest, *args, **options
        )

    def info(self) -> dict[str, Any]:
        """Return the connection's information for `inspect`, without values that JSON cannot represent."""
        info: dict[str, Any] = dict(super().info())
        info["transport_options"] = {
            name: value for name, value in self.transport_options.items() if name not in _SENTINEL_OPTIONS
        }
        return info

    def Pool(self, limit: int | None = None, **options: Any) -> Any:
        """Return a pool of such connections."""
        return _NodePool(self, limit, **options)


_SENTINEL_OPTIONS: Final[dict[str, Any]] = {
    # redis-py would try each dead Sentinel four times, with pauses.
    "sentinel_kwargs": {
        "socket_connect_timeout": _SENTINEL_SECONDS,
        "socket_timeout": _SENTINEL_SECONDS,
        "retry": Retry(NoBackoff(), 0),
    }
}


class _PooledNodeConnection(PooledConnection, NodeConnection):
    pass


class _NodePool(ConnectionPool):
    def new(self) -> Any:
        return _PooledNodeConnection(self, **dict(self.connection._info(resolve=False)))
