"""Sockets that listen before there is a server for them."""

import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Final

_BACKLOG: Final = 2048
"""Connections that may wait to be accepted; uvicorn's own figure."""


@contextmanager
def listening(host: str, port: int) -> Iterator[list[socket.socket]]:
    """Listen on every address of the host until the block ends, as event loops do. Raises `OSError`."""
    with ExitStack() as stack:
        sockets = []
        for family, address in _addresses(host, port):
            listener = stack.enter_context(socket.socket(family, socket.SOCK_STREAM))
            # Connections of the one before that linger are no reason to wait.
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            listener.bind(address)
            listener.listen(_BACKLOG)
            sockets.append(listener)
        yield sockets


def _addresses(host: str, port: int) -> dict[tuple[socket.AddressFamily, tuple[object, ...]], None]:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    return dict.fromkeys((family, address) for family, _, _, _, address in found)
