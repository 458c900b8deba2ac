"""Heartbeats to RabbitMQ, sent also while the worker waits for its database.

The broker detects a lost consumer by missing heartbeats, after two to three times the interval: until then it
goes on sending to it, and keeps the messages that it has sent. A consumer that sends none during a slow
statement would be disconnected, and its messages would count as delivered once more.
"""

import socket
import threading
import time
import weakref
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final

from amqp.transport import TCPTransport

HEARTBEAT_SECONDS: Final = 3
"""RabbitMQ's guide warns of values below 5, which may disconnect live consumers.

That does no harm here, and with 5 orders waited for up to 14 s when connections were half-open.
"""
_SECONDS_WITH_TLS: Final = 20
"""Two threads cannot share a TLS connection: its heartbeats wait for the statement."""

_PARTS: Final = 4
"""How many heartbeats are sent in an interval, so that late ones do no harm."""

_FRAME: Final = b"\x08\x00\x00\x00\x00\x00\x00\xce"  # AMQP 0-9-1, 4.2.7


def heartbeat_seconds(broker_url: str) -> int:
    """Return the interval to agree on with the broker."""
    return _SECONDS_WITH_TLS if broker_url.startswith("amqps") else HEARTBEAT_SECONDS


class Heartbeats:
    """Sends heartbeats on an open connection of py-amqp until `end`, from its own thread."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        # The broker may have negotiated a longer interval.
        self._pause_seconds = (connection.heartbeat or HEARTBEAT_SECONDS) / _PARTS
        self._next_at = 0.0
        self._ended = threading.Event()
        self._sends_itself = type(connection.transport) is TCPTransport
        if self._sends_itself:
            transport = connection.transport
            self._socket: socket.socket = transport.sock
            write = transport._write
            # A heartbeat must not come in the middle of another frame.
            self._writing = threading.Lock()
            transport._write = _alone(write, self._writing)
            # The thread must not keep an abandoned connection alive: the broker would go on sending to it.
            arguments = (weakref.ref(self), self._ended, self._pause_seconds)
            threading.Thread(target=_beat, args=arguments, name="heartbeats", daemon=True).start()

    def send(self) -> None:
        """Send a due heartbeat that the thread cannot; call it often. Raises py-amqp's errors, `OSError`."""
        now = time.monotonic()
        if not self._sends_itself and now >= self._next_at:
            self._next_at = now + self._pause_seconds
            self._connection.send_heartbeat()

    def end(self) -> None:
        """Stop sending."""
        self._ended.set()

    def send_one(self) -> None:
        """Send one heartbeat from the thread. Raises `OSError` when the connection is lost."""
        with self._writing:
            try:
                sent = self._socket.send(_FRAME)
            except (BlockingIOError, TimeoutError):
                return  # the broker takes nothing, and got no part of this frame
            if sent < len(_FRAME):
                self._socket.shutdown(socket.SHUT_RDWR)  # the broker would read the next frame as its rest


def _alone(write: Callable[[bytes], object], lock: threading.Lock) -> Callable[[bytes], None]:
    def write_alone(data: bytes) -> None:
        with lock:
            write(data)

    return write_alone


def _beat(reference: "weakref.ref[Heartbeats]", ended: threading.Event, pause_seconds: float) -> None:
    # The user of the connection notices its loss.
    with suppress(OSError):
        while not ended.wait(pause_seconds) and (heartbeats := reference()) is not None:
            heartbeats.send_one()
            del heartbeats
