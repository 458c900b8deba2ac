"""Waiting on Redis or Valkey until any list has orders.

Redis can wait for one list without taking from it, by moving the oldest message from the end of the list to
its end. For the many lists of the shares, publishers add an entry to a stream. The workers are one group of
the stream, so that an entry wakes one of them: each that wakes looks at hundreds of lists.
"""

import select
import time
from contextlib import suppress
from typing import Any, Final

import redis

from willcall.queues import ORDERS

AWAKE: Final = "orders.awake"
"""The stream. A worker that takes all that waits empties it: nobody needs to be woken then."""

_GROUP: Final = "workers"
_CONSUMER: Final = "any"
"""They all have one name, as entries are not acknowledged, and Redis would keep each name for ever."""


def wake_workers(client: Any, key_prefix: str) -> None:
    """Wake a waiting worker, as a share has messages; with a client of Redis, or in its pipeline."""
    # kombu's clients prefix no key of this command.
    client.xadd(key_prefix + AWAKE, {"for": "orders"}, maxlen=1, approximate=False)


class Waits:
    """Waits for the next message; for one thread. Raises the client's errors, and `OSError`."""

    def __init__(self, client: "redis.Redis", key_prefix: str, *, answer_seconds: float) -> None:
        self._client = client
        self._pool = client.connection_pool
        self._answer_seconds = answer_seconds
        self._has_group = False
        self._queue, self._awake = key_prefix + ORDERS, key_prefix + AWAKE
        # Two connections, as a blocking command may stay open for longer than one wait.
        self._of_list: Any = None
        self._of_shares: Any = None
        self._until: dict[Any, float] = {}

    def wait(self, seconds: float) -> None:
        """Wait until there may be a message, at most `seconds`."""
        self._ask(seconds)
        deadline = time.monotonic() + seconds
        while not (ready := self._ready(deadline - time.monotonic())):
            if time.monotonic() >= deadline:
                self._check()
                return
        for connection in ready:
            self._answer(connection)

    def _ask(self, seconds: float) -> None:
        if self._of_list is None:
            self._of_list = self._pool.get_connection()
            self._of_shares = self._pool.get_connection()
        self._join()
        milliseconds = max(round(seconds * 1_000), 1)
        options = ("COUNT", 1, "BLOCK", milliseconds, "NOACK", "STREAMS", self._awake, ">")
        questions = {
            self._of_list: ("BLMOVE", self._queue, self._queue, "RIGHT", "RIGHT", seconds),
            self._of_shares: ("XREADGROUP", "GROUP", _GROUP, _CONSUMER, *options),
        }
        for connection, question in questions.items():
            if connection not in self._until:
                connection.send_command(*question)
                self._until[connection] = time.monotonic() + seconds + self._answer_seconds

    def _join(self) -> None:
        """Make the group, unless it exists."""
        if self._has_group:
            return
        try:
            self._client.xgroup_create(self._awake, _GROUP, id="0", mkstream=True)
        except redis.ResponseError as error:
            if not str(error).startswith("BUSYGROUP"):
                raise
        self._has_group = True

    def _ready(self, seconds: float) -> list[Any]:
        sockets = {connection._sock.fileno(): connection for connection in self._until}
        poll = select.poll()
        for number in sockets:
            poll.register(number, select.POLLIN)
        return [sockets[number] for number, _ in poll.poll(max(seconds, 0) * 1_000)]

    def _answer(self, connection: Any) -> None:
        try:
            connection.read_response()
        except redis.ResponseError as error:
            if not str(error).startswith(("NOGROUP", "UNBLOCKED")):
                raise
            self._has_group = False  # the stream was deleted
        del self._until[connection]

    def _check(self) -> None:
        if any(until < time.monotonic() for until in self._until.values()):
            raise redis.TimeoutError("the broker did not answer in time")

    def close(self) -> None:
        """Close the connections, with the commands that wait on them."""
        for connection in (self._of_list, self._of_shares):
            if connection is not None:
                with suppress(Exception):
                    connection.disconnect()
                self._pool.release(connection)
        self._of_list = self._of_shares = None
        self._until.clear()
