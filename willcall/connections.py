"""Connections to the broker on which every call has a timeout.

py-amqp may wait for an answer without limit: `Channel.open` has no timeout at all. Here the socket itself has
one, so that each read and each write ends, also in the library's own calls.
"""

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from kombu import Connection

from willcall.node_connection import NodeConnection
from willcall.nodes import nodes_of
from willcall.queues import is_amqp, transport_options
from willcall.settings import BrokerSettings


def open_connection(
    broker_url: str,
    settings: BrokerSettings,
    *,
    seconds: float,
    heartbeat: float = 0,
    options: Mapping[str, Any] | None = None,
) -> Connection:
    """Return an open connection, on which each call fails after `seconds` without an answer.

    Each node of a list (`;`) is tried once, the best first (`willcall.nodes`). `options` are kombu's
    transport options, added to ours or overriding them. Raises the client library's errors: `OSError` or
    one of `connection_errors`. After such an error the connection is unusable: pass it to `blame` and `drop`.
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
        # kombu's own retries would wait in between.
        others = nodes_of(broker_url).count - 1
        connection.ensure_connection(max_retries=others, interval_start=0, reraise_as_library_errors=False)
        if not is_amqp(broker_url):
            connection.default_channel.client.ping()
    except BaseException:
        drop(connection)
        raise
    return connection


def blame(connection: Connection) -> None:
    """Record that the connection's node failed or does not answer: the next connection uses another."""
    if isinstance(connection, NodeConnection):
        connection.blame()


def drop(connection: Connection) -> None:
    """Discard a connection that may be broken, without a closing handshake that may not be answered."""
    with suppress(Exception):
        transport = connection._connection.transport
        # Buffered messages are lost with it: they are not confirmed either.
        transport.sock.close()
    with suppress(Exception):
        connection.collect(socket_timeout=None)
    with suppress(Exception):
        connection.release()


def stay_closed(channel: Any) -> None:
    """Make a channel that RabbitMQ closes raise the reason at once.

    py-amqp would reopen it first, and wait for the answer: RabbitMQ was seen to send none while the rest of a
    large group was still arriving.
    """
    channel._do_revive = _do_nothing


def _do_nothing() -> None:
    pass
