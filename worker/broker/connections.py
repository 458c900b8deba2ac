"""Connections to the broker on which no call waits longer than it may, whatever the broker does.

py-amqp waits for an answer as long as it takes: for `Channel.open` there is no timeout at all. Here the
socket itself has one, so that each read and each write ends: those of the library's own calls, too.
"""

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from kombu import Connection

from worker.broker.node_connection import NodeConnection
from worker.broker.nodes import nodes_of
from worker.broker.queues import is_amqp, transport_options
from worker.runtime.settings import Settings


def open_connection(
    broker_url: str,
    settings: Settings,
    *,
    seconds: float,
    heartbeat: float = 0,
    options: Mapping[str, Any] | None = None,
) -> Connection:
    """Return a connection that is open, and whose every call fails after so many seconds without an answer.

    Each node of a list (`;`) is tried once, the best first (`worker.broker.nodes`). `options` are kombu's,
    beside or instead of ours. Raises what the client library raises, which is an `OSError` or one of
    `connection_errors`. A call that failed so leaves a connection of no use: give it to `drop`, and its node
    to `blame`.
    """
    transport = {**transport_options(settings, broker_url), **(options or {})}
    if is_amqp(broker_url):
        transport["connect_timeout"] = seconds
    else:
        transport |= {"socket_connect_timeout": seconds, "socket_timeout": seconds}
    connection = NodeConnection(
        broker_url, transport_options=transport, connect_timeout=seconds, heartbeat=heartbeat
    )
    connection.answer_seconds = seconds
    try:
        # kombu's own tries would wait in between.
        others = nodes_of(broker_url).count - 1
        connection.ensure_connection(max_retries=others, interval_start=0, reraise_as_library_errors=False)
        if not is_amqp(broker_url):
            connection.default_channel.client.ping()
    except BaseException:
        drop(connection)
        raise
    return connection


def blame(connection: Connection) -> None:
    """Say that the node of a connection failed or does not answer: the next connection is made to another."""
    if isinstance(connection, NodeConnection):
        connection.blame()


def drop(connection: Connection) -> None:
    """Let go of a connection that is broken or may be: without a goodbye that nobody may answer."""
    with suppress(Exception):
        transport = connection._connection.transport
        # What waits to be sent is lost with it: it is not confirmed either.
        transport.sock.close()
    with suppress(Exception):
        connection.collect(socket_timeout=None)
    with suppress(Exception):
        connection.release()


def stay_closed(channel: Any) -> None:
    """Have a channel that RabbitMQ closes tell why, and nothing else.

    py-amqp would open it again first, and wait for the answer: RabbitMQ was seen to give none while the rest
    of a large group was still on its way.
    """
    channel._do_revive = _do_nothing


def _do_nothing() -> None:
    pass
