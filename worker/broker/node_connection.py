"""kombu's connection, to whichever node of the broker works.

kombu tries the nodes of a list in their order, each new connection from the first one on. This one tries the
node that this process knows to be good, tells of each failure, and waits shortly for each.
"""

import random
from typing import Any, Final

from celery.app.amqp import AMQP
from kombu import Connection
from kombu.connection import ConnectionPool, PooledConnection
from kombu.transport import pyamqp
from redis.backoff import NoBackoff
from redis.retry import Retry

from worker.broker.nodes import nodes_of
from worker.broker.queues import amqp_tls
from worker.runtime.broker_urls import SENTINEL

_LONGEST_PAUSE_SECONDS: Final = 2.0
"""Between two rounds in which no node could be connected to; kombu's is 30."""

_SENTINEL_SECONDS: Final = 1.0

# Of our own: a thread that connects must not disturb a program that relies on a seed.
_DICE: Final = random.SystemRandom()


class NodeConnection(Connection):
    """A connection to the broker, one node or several; everything that connects uses it, Celery too."""

    transport_options: Any
    connect_timeout: Any
    answer_seconds: float | None = None
    """RabbitMQ only: how long each read and each write may take, once connected; None: for ever."""

    def __init__(self, hostname: Any = "localhost", *args: Any, **options: Any) -> None:
        # A copy of a connection is made from all its nodes, not from the one that it was connected to.
        alternates = options.pop("alternates", None)
        url = ";".join(alternates) if alternates else hostname
        is_list = isinstance(url, str) and ";" in url
        if alternates:
            for name in ("userid", "password", "virtual_host", "port", "transport", "uri_prefix"):
                options.pop(name, None)
        self._nodes = nodes_of(url) if is_list else None
        self._node = self._nodes.best() if self._nodes is not None else ""
        if is_list and not url.startswith(SENTINEL):
            # The first one is where kombu begins; the others make it try again.
            url = ";".join([self._node, *(node for node in url.split(";") if node != self._node)])
        super().__init__(url, *args, **options)
        if isinstance(url, str) and url.startswith(SENTINEL):
            self.transport_options = {**_OF_SENTINELS, **self.transport_options}

    @property
    def _has_others(self) -> bool:
        return self._nodes is not None and self._nodes.count > 1

    def maybe_switch_next(self) -> None:
        """Turn to the node that is now the best."""
        if self._nodes is not None and self._has_others:
            self._node = self._nodes.best()
            self.switch(self._node)

    def blame(self) -> None:
        """Say that the node of this connection fails: the next connection is made to another."""
        if self._nodes is not None:
            self._nodes.fails(self._node)

    def release(self) -> None:
        """Close the connection.

        kombu's Redis gives back what was in hand, on a connection that has no server any more. That must not
        end a worker which is about to connect again; what was in hand comes back in time.
        """
        try:
            super().release()
        except AttributeError:
            self._connection = self._default_channel = self._transport = None
            self._closed = True

    close = release

    def _establish_connection(self) -> Any:
        established = self._connect_to_node()
        # Here, as kombu connects again by itself.
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
            options["ssl"] = amqp_tls(self._node)  # its certificate names this node
        kept, self.transport_options = self.transport_options, options
        try:
            established = super()._establish_connection()
        except Exception:
            self._nodes.refuses(self._node)
            raise
        finally:
            self.transport_options = kept
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
        # Processes that lost the same broker must not all come back at the same moment.
        jitter = _DICE.uniform(0.5, 1.0)
        longest = min(interval_max, _LONGEST_PAUSE_SECONDS) * jitter
        start = min(interval_start, longest)
        return super()._ensure_connection(
            errback, max_retries, start, interval_step, longest, *args, **options
        )

    def info(self) -> dict[str, Any]:
        """Return what a worker tells of its connection: without what is no JSON."""
        told: dict[str, Any] = dict(super().info())
        told["transport_options"] = {
            name: value for name, value in self.transport_options.items() if name not in _OF_SENTINELS
        }
        return told

    def Pool(self, limit: int | None = None, **options: Any) -> Any:
        """Return a pool of such connections."""
        return _NodePool(self, limit, **options)


_OF_SENTINELS: Final[dict[str, Any]] = {
    # redis-py would ask each dead one four times, with pauses.
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


class NodeAMQP(AMQP):
    """Celery's AMQP with such connections, for all that Celery connects by itself."""

    Connection = NodeConnection
    BrokerConnection = NodeConnection
