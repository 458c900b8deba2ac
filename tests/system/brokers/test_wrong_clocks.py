"""A process whose clock is wrong holds its messages for as long as others do, and takes none of theirs."""

import time

import orjson
import pytest
from kombu import Connection
from kombu.transport import redis as kombu_redis

from tests.factories import make_body
from tests.system.brokers.hands import VISIBILITY_SECONDS, make_old, settings
from willcall.messages import task_message
from willcall.publishing import Publisher
from willcall.queues import MAINTENANCE, ORDERS
from worker.broker.redis.channel import use_safe_channels
from worker.broker.redis.source import RedisSource
from worker.runtime.settings import Settings

__all__ = ["settings"]


wrong_clocks = pytest.mark.parametrize("seconds_off", [3_600, -3_600])


def _put_clock_wrong(patch: pytest.MonkeyPatch, seconds: float) -> None:
    right = time.time
    patch.setattr(time, "time", lambda: right() + seconds)
    patch.setattr(kombu_redis, "time", lambda: right() + seconds)


def _ages(settings: Settings) -> list[float]:
    """Return for how many seconds each message has been in a worker's hand, by the server's clock."""
    with Connection(settings.broker()) as connection:
        client = connection.default_channel.client
        seconds, microseconds = client.time()
        held = client.zrange("unacked_index", 0, -1, withscores=True)
        return [seconds + microseconds * 1e-6 - taken_at for _, taken_at in held]


def _publish_orders(settings: Settings, count: int) -> None:
    content = orjson.dumps({"requests": [{"tenant": "demo", **make_body()}]})
    with Publisher(settings.broker(), settings) as publisher:
        publisher.publish(
            [task_message("orders.create", content, queue=ORDERS, summary="…", requests=1)] * count
        )


@wrong_clocks
def test_orders_are_held_and_kept_by_the_brokers_clock(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, seconds_off: int
) -> None:
    _publish_orders(settings, 10)
    _put_clock_wrong(monkeypatch, seconds_off)
    source = RedisSource(settings.broker(), settings)
    assert len(source.take(500, 60)) == 10
    assert all(abs(age) < VISIBILITY_SECONDS / 2 for age in _ages(settings))
    source.keep([])
    assert all(abs(age) < VISIBILITY_SECONDS / 2 for age in _ages(settings))
    source.close()


@wrong_clocks
def test_a_sweep_takes_no_orders_that_another_has_and_finds_those_of_the_dead(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, seconds_off: int
) -> None:
    _publish_orders(settings, 10)
    living = RedisSource(settings.broker(), settings)
    assert len(living.take(500, 60)) == 10

    _put_clock_wrong(monkeypatch, seconds_off)
    other = RedisSource(settings.broker(), settings)
    assert other.take(500, 1) == []
    make_old(settings, VISIBILITY_SECONDS + 1)
    third = RedisSource(settings.broker(), settings)
    assert len(third.take(500, 1)) == 10
    for source in (living, other, third):
        source.close()


@wrong_clocks
def test_messages_that_kombu_takes_are_held_by_the_brokers_clock(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, seconds_off: int
) -> None:
    use_safe_channels()
    options = {"visibility_timeout": VISIBILITY_SECONDS}
    with Connection(settings.broker(), transport_options=options) as connection:
        connection.SimpleQueue(MAINTENANCE).put({"still": "here"})
        _put_clock_wrong(monkeypatch, seconds_off)
        living = connection.SimpleQueue(MAINTENANCE)
        message = living.get(timeout=60)
        [age] = _ages(settings)
        assert abs(age) < VISIBILITY_SECONDS / 2

        other = connection.channel()
        other.qos.restore_visible(interval=1)
        assert len(_ages(settings)) == 1  # its worker lives
        make_old(settings, VISIBILITY_SECONDS + 1)
        other.qos.restore_visible(interval=1)
        assert _ages(settings) == []
        message.ack()
