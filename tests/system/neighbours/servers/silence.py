"""A proxy before a server that goes silent: from some byte on, one direction carries nothing any more."""

import contextlib
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Literal
from uuid import uuid4

Direction = Literal["up", "down"]
"""To the server, or from it."""


def _connect(address: str | int) -> socket.socket:
    if isinstance(address, int):
        return socket.create_connection(("127.0.0.1", address))
    connection = socket.socket(socket.AF_UNIX)
    connection.connect(address)
    return connection


def _listen(target: str | int) -> socket.socket:
    """Listen beside the target: on a port of this machine, or on a path."""
    if isinstance(target, int):
        listening = socket.socket()
        listening.bind(("127.0.0.1", 0))
    else:
        listening = socket.socket(socket.AF_UNIX)
        listening.bind(f"{target}.{uuid4().hex[:8]}")
    listening.listen(100)
    return listening


@dataclass
class Proxy:
    """Counts the bytes of each direction, of all connections together, and stops one after so many."""

    target: str | int
    address: str | int
    silent: Direction | None = None
    after: int = 0
    counts: dict[Direction, int] = field(default_factory=lambda: {"up": 0, "down": 0})
    sockets: list[socket.socket] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def serve(self, listening: socket.socket) -> None:
        while True:
            try:
                near = listening.accept()[0]
            except OSError:
                return
            far = _connect(self.target)
            self.sockets += [near, far]
            for source, sink, direction in ((near, far, "up"), (far, near, "down")):
                threading.Thread(target=self.carry, args=(source, sink, direction), daemon=True).start()

    def carry(self, source: socket.socket, sink: socket.socket, direction: Direction) -> None:
        with contextlib.suppress(OSError):
            while piece := source.recv(65_536):
                with self.lock:
                    left = self.after - self.counts[direction] if self.silent == direction else len(piece)
                    self.counts[direction] += len(piece)
                sink.sendall(piece[: max(left, 0)])
                if left < len(piece):
                    return  # the connection stays, and nobody reads it
            sink.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        for one in self.sockets:
            with contextlib.suppress(OSError):
                one.close()


@contextmanager
def proxy(target: str | int, silent: Direction | None = None, after: int = 0) -> Iterator[Proxy]:
    """Listen beside a port of this machine or a path, and carry to it; fall silent where that is wanted."""
    with _listen(target) as listening:
        address = listening.getsockname()
        found = Proxy(target, address if isinstance(address, str) else address[1], silent, after)
        threading.Thread(target=found.serve, args=(listening,), daemon=True).start()
        try:
            yield found
        finally:
            with contextlib.suppress(OSError):
                listening.shutdown(socket.SHUT_RDWR)  # `accept` does not hear of a close
            found.close()
