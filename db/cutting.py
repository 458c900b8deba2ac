"""Closing connections that wait for a hanging server, from another thread."""

import os
import socket
import threading
from contextlib import suppress
from typing import Any

import psycopg
from sqlalchemy import Engine, event


class Cutter:
    """Tracks the connections of an engine that are in use.

    A server whose processes are suspended keeps its connections open: a client would wait for its answer as
    long as it is suspended.
    """

    def __init__(self, engine: Engine) -> None:
        self._lock = threading.Lock()
        self._in_use: set[psycopg.Connection[Any]] = set()
        event.listen(engine, "checkout", self._add)
        for how in ("checkin", "invalidate", "close"):
            event.listen(engine, how, self._remove)

    def cut(self) -> None:
        """Shut down all connections in use; calls that wait on them fail."""
        with self._lock:  # none of them is closed meanwhile, so that no descriptor is another file's
            for connection in self._in_use:
                with suppress(OSError, psycopg.Error):
                    _shut(connection.fileno())

    def _add(self, connection: psycopg.Connection[Any], *_: object) -> None:
        with self._lock:
            self._in_use.add(connection)

    def _remove(self, connection: psycopg.Connection[Any] | None, *_: object) -> None:
        with self._lock:
            if connection is not None:
                self._in_use.discard(connection)


def _shut(number: int) -> None:
    with socket.socket(fileno=os.dup(number)) as copy:
        copy.shutdown(socket.SHUT_RDWR)
