"""What workers have in hand on Redis or Valkey, made old where a test needs it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from kombu import Connection

from willcall.queues import MAINTENANCE, order_queues
from worker.runtime import embedded
from worker.runtime.settings import Settings

VISIBILITY_SECONDS = 1_000  # far longer than a test takes: age is made, not waited for


@pytest.fixture
def settings(home: Path) -> Iterator[Settings]:
    """Settings of an embedded broker on which nothing waits, before and after."""
    settings = Settings(
        home=home, broker_url=embedded.broker_url(home), visibility_timeout_seconds=VISIBILITY_SECONDS
    )
    _empty(settings)
    yield settings
    _empty(settings)


def _empty(settings: Settings) -> None:
    with Connection(settings.broker()) as connection:
        connection.default_channel.client.delete(
            *order_queues(settings.broker()), MAINTENANCE, "unacked", "unacked_index", "unacked_mutex"
        )


def make_old(settings: Settings, seconds: float) -> None:
    """Have everything in hand been taken so many seconds earlier."""
    with Connection(settings.broker()) as connection:
        client = connection.default_channel.client
        held = client.zrange("unacked_index", 0, -1, withscores=True)
        client.zadd("unacked_index", {tag: taken_at - seconds for tag, taken_at in held})
