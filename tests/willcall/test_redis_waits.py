"""Waiting for orders on Redis or Valkey: an entry of the stream wakes one worker, and none is lost."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
import redis

from tests.processes import wait_until
from willcall.redis_waits import Waits, wake_workers
from worker.runtime import embedded

_PREFIX = "waits-"
_AWAKE = f"{_PREFIX}orders.awake"
_LONG = 20.0


@pytest.fixture
def client(home: Path) -> Iterator[redis.Redis]:
    path = embedded.broker_url(home).removeprefix("redis+socket://").partition("?")[0]
    with redis.Redis(unix_socket_path=path) as client:
        client.delete(_AWAKE, f"{_PREFIX}orders")
        yield client
        client.delete(_AWAKE, f"{_PREFIX}orders")


@contextmanager
def _waits(client: redis.Redis) -> Iterator[Waits]:
    waits = Waits(client, _PREFIX, answer_seconds=5)
    try:
        yield waits
    finally:
        waits.close()


def _blocked(client: redis.Redis) -> int:
    """Return how many clients wait for an entry."""
    return sum(one["cmd"] == "xreadgroup" and "b" in one["flags"] for one in client.client_list())


def _seconds(waits: Waits, seconds: float) -> float:
    began = time.monotonic()
    waits.wait(seconds)
    return time.monotonic() - began


def test_an_entry_wakes_one_of_those_who_wait_and_the_next_another(client: redis.Redis) -> None:
    with ExitStack() as stack, ThreadPoolExecutor(3) as threads:
        waiting = [stack.enter_context(_waits(client)) for _ in range(3)]
        done = [threads.submit(_seconds, one, _LONG) for one in waiting]
        for count in (1, 2, 3):
            wait_until(lambda: _blocked(client) == 4 - count, what="workers that wait")  # noqa: B023
            wake_workers(client, _PREFIX)
            wait_until(lambda: sum(one.done() for one in done) == count, what="one more awake")  # noqa: B023
            time.sleep(0.05)  # time for another to wake, too
            assert sum(one.done() for one in done) == count
        assert max(one.result() for one in done) < _LONG


def test_an_entry_that_came_while_nobody_waited_is_not_lost(client: redis.Redis) -> None:
    with _waits(client) as waits:
        waits.wait(0.01)
        wake_workers(client, _PREFIX)
        assert _seconds(waits, _LONG) < _LONG
        assert max(_seconds(waits, 0.2) for _ in range(3)) >= 0.15, "it does not wake again and again"


def test_a_message_in_orders_itself_wakes_a_worker_and_stays(client: redis.Redis) -> None:
    with _waits(client) as waits, ThreadPoolExecutor(1) as threads:
        done = threads.submit(_seconds, waits, _LONG)
        wait_until(lambda: _blocked(client) == 1, what="a worker that waits")
        client.lpush(f"{_PREFIX}orders", b"an order")
        assert done.result() < _LONG
        assert client.lrange(f"{_PREFIX}orders", 0, -1) == [b"an order"]


def test_a_stream_that_is_deleted_under_a_waiting_worker_is_made_again(client: redis.Redis) -> None:
    with _waits(client) as waits, ThreadPoolExecutor(1) as threads:
        done = threads.submit(_seconds, waits, _LONG)
        wait_until(lambda: _blocked(client) == 1, what="a worker that waits")
        client.delete(_AWAKE)
        assert done.result() < _LONG
        done = threads.submit(_seconds, waits, _LONG)
        wait_until(lambda: _blocked(client) == 1, what="a worker that waits again")
        wake_workers(client, _PREFIX)
        assert done.result() < _LONG
