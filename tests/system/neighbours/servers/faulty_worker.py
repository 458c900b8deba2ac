"""The worker's app with a library's fault in it, once: a call that never returns, or an unexpected error.

`FAULT=take FAULT_MARK=begun celery -A tests.system.neighbours.servers.faulty_worker worker …`;
the file says that it began.
"""

import os
import sys
import threading
from pathlib import Path
from typing import Any, Final, NoReturn

from celery.signals import task_postrun, worker_ready

from worker.app import app
from worker.batching import BulkConsumer
from worker.broker.amqp.source import AmqpSource
from worker.broker.redis.source import RedisSource

__all__ = ["app"]

_FAULT: Final = os.environ["FAULT"]
_MARK: Final = Path(os.environ["FAULT_MARK"])


def _is_first() -> bool:
    try:
        _MARK.touch(exist_ok=False)
    except FileExistsError:
        return False
    return True


def _hang(source: Any) -> NoReturn:
    """Wait in the consumer's own socket, as a library without timeouts does."""
    if isinstance(source, AmqpSource):
        wire = source._amqp.transport.sock
    else:
        wire = source._client.connection_pool.get_connection()._sock
    wire.settimeout(None)
    while wire.recv(1):
        pass
    raise ConnectionResetError("the socket has been closed")


def _let_take_hang(kind: type[Any]) -> None:
    take = kind.take

    def hanging(self: Any, *arguments: Any) -> Any:
        if _is_first():
            _hang(self)
        return take(self, *arguments)

    kind.take = hanging


def _fail() -> NoReturn:
    raise TypeError("a fault in a library")


@task_postrun.connect(weak=False)
def _on_end_of_task(task_id: str, **_: Any) -> None:
    sys.stdout.write(f"done {task_id}\n")  # at once: two threads write here
    sys.stdout.flush()


@worker_ready.connect(weak=False)
def _on_ready(sender: Any, **_: Any) -> None:
    if _FAULT in ("loop", "end") and _is_first():
        sender.hub.call_soon(_fail)


if _FAULT == "take":
    _let_take_hang(AmqpSource)
    _let_take_hang(RedisSource)
if _FAULT == "end":
    setattr(BulkConsumer, "stop", lambda self: threading.Event().wait())  # noqa: B010 - mypy takes no assignment to a method
