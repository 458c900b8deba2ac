"""Reading and writing RabbitMQ's socket in large pieces.

py-amqp makes three system calls for each frame that it reads, and one for each message that it writes; a
message has three frames. Here one call reads all that has arrived, and one sends a group of messages.
"""

import select
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

from amqp.transport import TCPTransport

_PIECE_BYTES: Final = 65_536
_GROUP_BYTES: Final = 262_144


class AmqpSocket:
    """Buffers the socket of a py-amqp connection. A TLS connection is left as it is."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self._is_ours = type(connection.transport) is TCPTransport
        if self._is_ours:
            self._socket = connection.transport.sock
            self._poll = select.poll()
            self._poll.register(self._socket, select.POLLIN)
            self._received, self._read_count = b"", 0
            self._deadline: float | None = None  # by time.monotonic()
            connection.transport._quick_recv = self._read

    def drain(self, timeout_seconds: float) -> None:
        """Handle one event of the connection. Raises `TimeoutError` if none arrives in time."""
        if not self._is_ours:
            self._connection.drain_events(timeout=timeout_seconds)
            return
        # One deadline for all reads, as a heartbeat is read but is no event.
        self._deadline = time.monotonic() + timeout_seconds
        try:
            self._connection.drain_events(timeout=None)
        finally:
            self._deadline = None

    def _read(self, count: int) -> bytes:
        begin = self._read_count
        if begin == len(self._received):
            # The library's own calls set the socket's timeout instead; None waits without limit.
            deadline = self._deadline
            wait = self._socket.gettimeout() if deadline is None else max(deadline - time.monotonic(), 0)
            # The caller keeps the beginning of an unfinished frame.
            if not self._poll.poll(None if wait is None else wait * 1_000):
                raise TimeoutError
            self._received, begin = self._socket.recv(_PIECE_BYTES), 0
        taken = self._received[begin : begin + count]
        self._read_count = begin + len(taken)
        return taken

    @contextmanager
    def writing_together(self) -> Iterator[None]:
        """Send the messages published inside the block in large pieces, the last one at its end."""
        if not self._is_ours:
            yield
            return
        transport = self._connection.transport
        send = transport._write
        pieces = _Pieces(send)
        transport._write = pieces.write
        try:
            yield
            pieces.flush()
        finally:
            transport._write = send


class _Pieces:
    def __init__(self, send: Callable[[bytes], object]) -> None:
        self._send = send
        self._pieces = bytearray()

    def write(self, piece: bytes) -> None:
        self._pieces += piece
        if len(self._pieces) >= _GROUP_BYTES:
            self.flush()

    def flush(self) -> None:
        if self._pieces:
            self._send(bytes(self._pieces))
            self._pieces.clear()
