"""Which node of the broker is tried: a dead or half-dead one is never in the way of a good one."""

import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.rabbitmq import RabbitMQ, free_port
from willcall.connections import blame, open_connection
from willcall.node_connection import NodeConnection
from willcall.nodes import Nodes
from willcall.publishing import Publisher
from worker.app import app
from worker.runtime.settings import Settings

_counts = st.integers(1, 6)


@given(count=_counts, good=st.integers(0, 5))
def test_one_good_node_is_found_after_as_many_tries_as_there_are_nodes(count: int, good: int) -> None:
    nodes = Nodes([f"amqp://node-{number}" for number in range(count)])
    tried = []
    for _ in range(count):
        tried.append(nodes.best())
        if tried[-1] == f"amqp://node-{good % count}":
            break
        nodes.refuses(tried[-1])

    assert tried[-1] == f"amqp://node-{good % count}"
    assert len(set(tried)) == len(tried)
    nodes.serves(tried[-1])
    assert nodes.best() == tried[-1], "it is kept"


@given(count=st.integers(2, 6), tries=st.integers(1, 20))
def test_a_node_that_lets_us_connect_and_then_fails_is_left_for_the_others(count: int, tries: int) -> None:
    nodes = Nodes([f"amqp://node-{number}" for number in range(count)])
    half_dead = nodes.best()
    nodes.serves(half_dead)
    nodes.fails(half_dead)
    nodes.serves(half_dead)  # by another connection, which has not found out yet
    nodes.fails(half_dead)
    others = set()
    for _ in range(tries):
        others.add(nodes.best())
        nodes.serves(nodes.best())

    assert half_dead not in others


@given(count=_counts, rounds=st.integers(0, 5), seconds=st.floats(0.5, 30))
def test_all_nodes_together_take_no_longer_than_one_or_their_shortest_patience(
    count: int, rounds: int, seconds: float
) -> None:
    nodes = Nodes([f"amqp://node-{number}" for number in range(count)])
    for _ in range(rounds * count):
        nodes.refuses(nodes.best())

    assert 0 < nodes.patience(seconds) <= seconds
    assert count * nodes.patience(seconds) <= max(seconds, count * 1.5) + 1e-6


@contextmanager
def _silent() -> Iterator[int]:
    """Listen, and never answer."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(100)
        yield listening.getsockname()[1]


@pytest.fixture
def list_with_bad_nodes(rabbitmq: RabbitMQ) -> Iterator[str]:
    """Return the URL of nodes of which one answers, one is silent and one is not there."""
    with _silent() as silent:
        ports = (free_port(), silent)
        yield ";".join([*(f"amqp://guest:guest@127.0.0.1:{port}//" for port in ports), rabbitmq.url])


def test_everything_that_connects_finds_the_node_that_works(
    list_with_bad_nodes: str, rabbitmq: RabbitMQ
) -> None:
    settings = Settings(broker_url=list_with_bad_nodes)
    with ExitStack() as stack:
        ours = stack.enter_context(open_connection(list_with_bad_nodes, settings, seconds=10))
        celerys = stack.enter_context(app.connection_for_read(list_with_bad_nodes))
        celerys.ensure_connection(max_retries=3)
        pool = celerys.Pool(2)
        stack.callback(pool.force_close_all)
        pooled = stack.enter_context(pool.acquire())
        pooled.ensure_connection(max_retries=3)
        for connection in (ours, celerys, pooled, celerys.clone()):
            assert isinstance(connection, NodeConnection)
            assert (connection.port, connection.password) == (rabbitmq.port, "guest")
        began = time.monotonic()
        for _ in range(20):
            open_connection(list_with_bad_nodes, settings, seconds=10).release()
        assert time.monotonic() - began < 20, "what is known is not tried again"


def test_a_publisher_whose_node_is_blamed_goes_on(list_with_bad_nodes: str) -> None:
    settings = Settings(broker_url=list_with_bad_nodes, publish_timeout_seconds=30)
    with Publisher(list_with_bad_nodes, settings) as publisher:
        publisher.probe()
        assert publisher._connection is not None
        blame(publisher._connection)
        publisher._connection.connection.transport.sock.shutdown(socket.SHUT_RDWR)
        publisher.probe()
