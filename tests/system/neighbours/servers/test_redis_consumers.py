"""A consumer that takes nothing while messages wait connects again, whatever the reason: Redis and Valkey."""

import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import redis
from sqlalchemy import Engine

from tests.brokers import Broker
from tests.processes import running_celery, wait_until
from tests.system.neighbours.servers.proxies import silent_proxy
from tests.system.neighbours.servers.taking import message, orders, started, takes
from willcall.queues import ORDERS
from worker.runtime import embedded


@pytest.fixture
def own(home: Path, engine: Engine, tmp_path: Path) -> Iterator[Broker]:
    """A broker of the test's own: what is done to it hurts nobody else."""
    where = tmp_path / "valkey"
    with embedded.running(where, postgres=False), ExitStack() as stack:
        yield Broker(embedded.broker_url(where), home, tmp_path, stack)


def _client(broker: Broker) -> "redis.Redis":
    return redis.Redis(unix_socket_path=broker.url.removeprefix("redis+socket://"))


def _lose_password(client: "redis.Redis") -> Callable[[], object]:
    client.config_set("requirepass", "new")
    client.client_kill_filter(_type="normal", skipme=True)
    return lambda: client.config_set("requirepass", "")


def _become_replica(client: "redis.Redis") -> Callable[[], object]:
    client.replicaof("127.0.0.1", 1)
    return lambda: client.replicaof("NO", "ONE")


def _hold_something_else(client: "redis.Redis") -> Callable[[], object]:
    client.delete(ORDERS)
    client.set(ORDERS, "not a list")
    return lambda: client.delete(ORDERS)


@pytest.mark.parametrize(
    ("begin", "word"),
    [
        (_lose_password, "the password"),
        (_become_replica, "read-only replica"),
        (_hold_something_else, "is not a list"),
    ],
)
def test_a_refusal_is_named_and_passes(
    own: Broker, engine: Engine, begin: Callable[["redis.Redis"], Callable[[], object]], word: str
) -> None:
    worker = started(own, engine)
    with _client(own) as client:
        end = begin(client)
        wait_until(lambda: word in worker.output(), what=f"the worker's word of it: {word}")
        end()
    takes(own, engine)
    assert worker.output().count("lost the broker") < 60, "it tries again at once, all the time"
    assert worker.process.poll() is None


@pytest.mark.parametrize(
    "act",
    [
        lambda client: client.script_flush(),
        lambda client: client.client_kill_filter(_type="normal", skipme=True),
        lambda client: client.client_pause(12_000),
        lambda client: client.flushall(),
        lambda client: client.delete(ORDERS),
    ],
    ids=["scripts", "kill", "pause", "flush", "delete"],
)
def test_what_happens_to_a_connection_stops_it_for_a_moment_only(
    own: Broker, engine: Engine, act: Callable[["redis.Redis"], object]
) -> None:
    worker = started(own, engine)
    for _ in range(2):
        with _client(own) as client:
            act(client)
        takes(own, engine)
    assert worker.process.poll() is None


def test_a_full_broker_is_drained_and_loses_nothing(own: Broker, engine: Engine) -> None:
    first = started(own, engine)
    first.end()
    before = orders(engine)
    own.publisher().publish([message() for _ in range(1_000)])
    with _client(own) as client:
        client.config_set("maxmemory", "1")
        with pytest.raises(redis.exceptions.OutOfMemoryError):
            client.set("anything", "new")

        # It connects while nothing can be written. Celery's own consumer waits until it can.
        log = own.folder / "second.log"
        worker = own.stack.enter_context(
            running_celery("worker", "--queues=orders", environment=own.environment, log=log)
        )

        wait_until(lambda: orders(engine) == before + 1_000, what="all orders that were accepted")
        wait_until(lambda: client.hlen("unacked") == 0, what="nothing in hand")
        assert "memory is full" in worker.output()
        client.config_set("maxmemory", "0")
    takes(own, engine)
    wait_until(lambda: " ready." in worker.output(), what="Celery's own consumer")


def test_a_connection_whose_other_side_is_silent_is_replaced(own: Broker, engine: Engine) -> None:
    path = own.url.removeprefix("redis+socket://")

    def connect() -> socket.socket:
        server = socket.socket(socket.AF_UNIX)
        server.connect(path)
        return server

    with silent_proxy(connect) as proxy:
        there = Broker(f"redis://127.0.0.1:{proxy.port}/0", own.home, own.folder, own.stack)
        worker = started(there, engine)
        for _ in range(2):
            proxy.fall_silent()
            takes(own, engine)
        assert worker.process.poll() is None
        worker.end()
