"""Ends what waits for a server that is silent, from another thread."""

import os
import socket
import threading
from contextlib import suppress
from typing import Any

import psycopg
from sqlalchemy import Engine, event


class Cutter:
    """Knows the connections of an engine that are in use.

    A server whose processes are stopped keeps its connections open: whoever waits for an answer there would
    wait for as long as it stands still.
    """

    def __init__(self, engine: Engine) -> None:
        self._lock = threading.Lock()
        self._in_use: set[psycopg.Connection[Any]] = set()
        event.listen(engine, "checkout", self._add)
        for how in ("checkin", "invalidate", "close"):
            event.listen(engine, how, self._remove)

    def cut(self) -> None:
        """End all connections in use; who waits there is told that the server has gone."""
        with self._lock:  # none of them is closed meanwhile, so that no number is another file's
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
