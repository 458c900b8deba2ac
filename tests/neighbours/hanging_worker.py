"""The worker's app, with a fault of a library in it: a call that never returns, or an error that none expects.

`FAULT=take celery -A tests.neighbours.hanging_worker worker …`; `FAULT_MARK` names a file that says it has begun.
"""

import os
import socket
from pathlib import Path
from typing import Any, Final

from kombu import Connection

from worker.app import app
from worker.bulk_amqp import AmqpSource
from worker.bulk_redis import RedisSource

__all__ = ["app"]

_FAULT: Final = os.environ["FAULT"]
_MARK: Final = Path(os.environ["FAULT_MARK"])


def _is_first() -> bool:
    try:
        _MARK.touch(exist_ok=False)
    except FileExistsError:
        return False
    return True


def _hang_in_take(source: Any) -> None:
    """Wait in the consumer's own socket, as a library without timeouts does."""
    if isinstance(source, AmqpSource):
        wire = source._amqp.transport.sock
    else:
        connection = source._client.connection_pool.get_connection()
        wire = connection._sock
    wire.settimeout(None)
    wire.recv(1, socket.MSG_PEEK | socket.MSG_WAITALL)
    raise ConnectionResetError("the socket has been closed")


def _make_take_hang(kind: type[Any]) -> None:
    take = kind.take

    def hanging(self: Any, *arguments: Any) -> Any:
        if _is_first():
            _hang_in_take(self)
        return take(self, *arguments)

    kind.take = hanging


def _make_drain_fail() -> None:
    drain = Connection.drain_events
    connected = Connection.default_channel

    def failing(self: Connection, **options: Any) -> Any:
        if _is_first():
            raise TypeError("a fault in a library")
        return drain(self, **options)

    Connection.drain_events = failing  # type: ignore[method-assign]
    assert connected


if _FAULT == "take":
    _make_take_hang(AmqpSource)
    _make_take_hang(RedisSource)
