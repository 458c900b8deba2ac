"""Accepts connections from a socket that several processes share."""

import asyncio
import logging
import socket
from collections.abc import Callable
from typing import Final

log = logging.getLogger(__name__)

_TROUBLE_SECONDS: Final = 1.0

# For each connection that another process has fewer: on a busy machine it does not react at once.
_WAIT_SECONDS: Final = 0.001
# The other process may also hang.
_LONGEST_WAIT_SECONDS: Final = 0.005


class Acceptor:
    """Accepts one connection at a time, and lets a process with fewer connections go first.

    An event loop's own server accepts all that are waiting, so one process would get most of a burst.
    """

    def __init__(
        self,
        listener: socket.socket,
        make_protocol: Callable[[], asyncio.Protocol],
        lead: Callable[[], int],
    ) -> None:
        """Begin, in the running event loop.

        `lead` returns how many more connections this process has than the one with the fewest.
        """
        self._loop = asyncio.get_running_loop()
        self._listener = listener
        self._make_protocol = make_protocol
        self._lead = lead
        self._tasks: set[asyncio.Task[object]] = set()
        self._waiting: asyncio.TimerHandle | None = None
        listener.setblocking(False)
        self._loop.add_reader(listener, self._on_connection)

    def close(self) -> None:
        """Accept no more connections; closing again changes nothing."""
        if self._listener.fileno() < 0:
            return
        if self._waiting is not None:
            self._waiting.cancel()
        self._loop.remove_reader(self._listener)
        self._listener.close()

    async def wait_closed(self) -> None:
        """Return when the accepted connections have begun."""
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _on_connection(self) -> None:
        lead = self._lead()
        if lead:
            self._pause(min(lead * _WAIT_SECONDS, _LONGEST_WAIT_SECONDS))
        else:
            self._accept()

    def _pause(self, seconds: float) -> None:
        """Wait for this time; then accept a connection if no other process has."""
        self._loop.remove_reader(self._listener)
        self._waiting = self._loop.call_later(seconds, self._go_on)

    def _go_on(self) -> None:
        self._waiting = None
        self._loop.add_reader(self._listener, self._on_connection)
        self._accept()

    def _accept(self) -> None:
        try:
            connection, _ = self._listener.accept()
        except (BlockingIOError, InterruptedError, ConnectionAbortedError):
            return  # another process has it, or it is gone
        except OSError as error:  # such as too many open files
            log.warning("no further connection can be accepted", extra={"reason": error.strerror})
            self._pause(_TROUBLE_SECONDS)
            return
        connection.setblocking(False)
        task = self._loop.create_task(self._loop.connect_accepted_socket(self._make_protocol, connection))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
