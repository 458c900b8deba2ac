"""Wires between processes and servers: TCP proxies that can be cut, slowed, or silenced in one direction.

Each process reaches each server by a link of its own, so that one of them can be cut off alone.
"""

import asyncio
import ctypes
import socket
import struct
import threading
from collections.abc import Coroutine
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

_Result = TypeVar("_Result")

_PIECE: Final = 65_536
_RESET: Final = struct.pack("ii", 1, 0)
"""SO_LINGER: closing a connection resets it."""

_SO_ATTACH_FILTER: Final = 26
"""Of Linux: the kernel asks a small program whether a socket gets a packet (socket(7))."""
_RETURN_NOTHING: Final = ctypes.create_string_buffer(struct.pack("HBBI", 0x06, 0, 0, 0))
_NOTHING: Final = struct.pack("@HP", 1, ctypes.addressof(_RETURN_NOTHING))
"""A program of one instruction, which gives it none."""


def can_lose() -> bool:
    """Tell whether the kernel takes such a program from this user; some take it from root only."""
    with socket.socket() as probe:
        try:
            probe.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, _NOTHING)
        except OSError:
            return False
    return True


@dataclass
class Link:
    """One wire. The harness sets how it behaves; what is open follows at once."""

    name: str
    target_port: int
    port: int = 0
    is_refusing: bool = False
    """New connections are reset at once."""
    is_silent_up: bool = False
    is_silent_down: bool = False
    """Nothing passes to the server, or from it; connections stay open, and what was sent passes later."""
    delay_seconds: float = 0.0
    """How long each piece takes, in each direction."""
    passed: int = 0
    """Bytes that came through."""
    connections: "set[_Connection]" = field(default_factory=set)

    @property
    def is_open(self) -> bool:
        return any(not one.is_closed for one in self.connections)


class _Connection:
    """A client's connection and ours to the server."""

    def __init__(self, link: Link, client: asyncio.StreamWriter, server: asyncio.StreamWriter) -> None:
        self._link = link
        self._writers = (client, server)
        self.is_closed = False
        self.is_lost = False

    def lose(self) -> None:
        """Take nothing more from either side, not even to acknowledge it, as a host does that is gone."""
        for writer in self._writers:
            wire = writer.get_extra_info("socket")
            wire.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, _NOTHING)
            reading: Any = writer.transport  # typed as one that is only written to
            reading.pause_reading()
        self.is_lost = True

    def close(self) -> None:
        """Close both sides, which have both ended."""
        for writer in self._writers:
            writer.close()
        self.is_closed = True

    def cut(self) -> None:
        """Reset both sides."""
        for writer in self._writers:
            with suppress(OSError, RuntimeError):
                wire = writer.get_extra_info("socket")
                wire.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            writer.transport.abort()
        self.is_closed = True


class Links:
    """All wires, served by one event loop in a thread."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="links", daemon=True)
        self._servers: list[asyncio.Server] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self.all: dict[str, Link] = {}

    def start(self) -> None:
        self._thread.start()

    def open(self, name: str, target_port: int) -> Link:
        """Open a wire to a server; clients find it on its `port` of 127.0.0.1."""
        link = Link(name, target_port)
        link.port = self._run(self._serve(link))
        self.all[name] = link
        return link

    def cut(self, link: Link) -> int:
        """Reset all open connections of the wire; return how many there were."""
        return self._run(self._cut(link))

    def lose(self, link: Link) -> int:
        """Leave all open connections of the wire half-open; return how many there were.

        Neither side hears of it: nothing that it sends arrives or is acknowledged. New connections work.
        """
        return self._run(self._lose(link))

    def stop(self) -> None:
        self._run(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _run(self, doing: Coroutine[Any, Any, _Result]) -> _Result:
        return asyncio.run_coroutine_threadsafe(doing, self._loop).result(60)

    async def _serve(self, link: Link) -> int:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await self._pass_on(link, reader, writer)

        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        self._servers.append(server)
        port: int = server.sockets[0].getsockname()[1]
        return port

    async def _pass_on(self, link: Link, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            if link.is_refusing:
                raise ConnectionRefusedError
            from_server, to_server = await asyncio.open_connection("127.0.0.1", link.target_port)
        except OSError:
            _Connection(link, writer, writer).cut()
            return
        connection = _Connection(link, writer, to_server)
        link.connections.add(connection)
        up = self._spawn(_pump(link, reader, to_server, is_up=True))
        down = self._spawn(_pump(link, from_server, writer, is_up=False))
        await asyncio.wait((up, down))
        connection.close()
        link.connections.discard(connection)

    def _spawn(self, doing: Coroutine[Any, Any, None]) -> "asyncio.Task[None]":
        task = self._loop.create_task(doing)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _cut(self, link: Link) -> int:
        open_ones = [one for one in link.connections if not one.is_closed]
        for one in open_ones:
            one.cut()
        return len(open_ones)

    async def _lose(self, link: Link) -> int:
        open_ones = [one for one in link.connections if not (one.is_closed or one.is_lost)]
        for one in open_ones:
            one.lose()
        return len(open_ones)

    async def _close(self) -> None:
        for server in self._servers:
            server.close()
        for link in self.all.values():
            await self._cut(link)
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        # Transports that were aborted close their sockets in the next turn of the loop.
        await asyncio.sleep(0)


async def _pump(
    link: Link, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, is_up: bool
) -> None:
    """Pass bytes in one direction until the sender ends or the wire is cut."""
    try:
        while piece := await reader.read(_PIECE):
            if link.delay_seconds:
                await asyncio.sleep(link.delay_seconds)
            while link.is_silent_up if is_up else link.is_silent_down:  # noqa: ASYNC110 - set in another thread
                await asyncio.sleep(0.02)
            writer.write(piece)
            await writer.drain()
            link.passed += len(piece)
        if writer.can_write_eof():
            writer.write_eof()
    except OSError:
        writer.transport.abort()
