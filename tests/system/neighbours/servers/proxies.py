"""A proxy in front of a broker that can fall silent: connections stay open, and nothing passes."""

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator


class SilentProxy:
    """Passes bytes between its clients and a server; each connection is two threads."""

    def __init__(self, connect: Callable[[], socket.socket]) -> None:
        self._connect = connect
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._sockets: list[socket.socket] = []
        self._silent: set[socket.socket] = set()
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def fall_silent(self) -> None:
        """Pass nothing more on the connections that are open; new ones are served as before."""
        self._silent.update(self._sockets)

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = self._connect()
                self._sockets += (client, server)
                for one, other in ((client, server), (server, client)):
                    threading.Thread(target=self._pass, args=(one, other), daemon=True).start()

    def _pass(self, source: socket.socket, target: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while piece := source.recv(65_536):
                if source not in self._silent:
                    target.sendall(piece)
            if source not in self._silent:
                target.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        for one in (self._listener, *self._sockets):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()


@contextlib.contextmanager
def silent_proxy(connect: Callable[[], socket.socket]) -> Iterator[SilentProxy]:
    proxy = SilentProxy(connect)
    try:
        yield proxy
    finally:
        proxy.close()
