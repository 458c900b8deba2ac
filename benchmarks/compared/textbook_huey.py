"""The baseline's work on huey, on Redis."""

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from typing import Any, Final

from huey import RedisHuey
from sqlalchemy.orm import Session, sessionmaker

from benchmarks.compared import textbook

READY: Final = "one of huey's workers is ready"


@cache
def _sessions() -> sessionmaker[Session]:
    # Made in the process that uses it: connections do not survive a fork.
    return textbook.make_sessions(os.environ["BENCHMARKS_DATABASE_URL"])


def create_order(request: dict[str, Any]) -> None:
    """Create one order."""
    textbook.create_order(_sessions(), request, datetime.now(UTC))


def make_huey(url: str) -> tuple[RedisHuey, Callable[..., Any]]:
    """Return a queue and the task on it; nothing connects before it is used."""
    queue = RedisHuey("benchmarks", url=url, results=False)
    return queue, queue.task()(create_order)


def publish(url: str, requests: Sequence[Mapping[str, Any]]) -> None:
    """Send one message an order."""
    queue, task = make_huey(url)
    try:
        for request in requests:
            task(dict(request))
    finally:
        queue.storage.conn.connection_pool.disconnect()


huey, _ = make_huey(os.environ.get("BENCHMARKS_BROKER_URL", "unix:///nowhere"))


@huey.on_startup()
def _on_ready() -> None:
    sys.stderr.write(READY + "\n")
    sys.stderr.flush()
