"""A node of a RabbitMQ cluster dies under load: work goes on in seconds, nothing is lost or doubled."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from tests.failover.cluster import members, running_cluster, url_of
from tests.failover.crew import running_crew
from tests.neighbours.listening import listening
from tests.processes import wait_until
from tests.rabbitmq import RabbitMQ

pytestmark = pytest.mark.xdist_group("rabbitmq-cluster")

ROUNDS = int(os.environ.get("FAULTS_ROUNDS", "1"))
"""How many nodes are killed, one after the other; `make faults` kills each."""


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[RabbitMQ]]:
    with running_cluster(tmp_path_factory.mktemp("cluster")) as nodes:
        yield nodes


def test_the_node_that_the_intake_is_connected_to_is_killed_under_load(
    cluster: list[RabbitMQ], home: Path, engine: Engine, tmp_path: Path
) -> None:
    by_address = {f"127.0.0.1:{node.port}": node for node in cluster}
    url = url_of(cluster)
    with (
        running_crew(url, home, engine, tmp_path) as crew,
        listening(url, "order.*", **{"x-queue-type": "quorum"}) as listener,
    ):
        for number in range(ROUNDS):
            victim = by_address[crew.node_of("intake")]
            crew.survives(f"node {number + 1} of {len(cluster)} is killed", victim.kill)
            victim.start()
            wait_until(lambda node=victim: members(node) == len(cluster), what="a whole cluster")
        crew.load.stop()
        crew.load.check()
        orders = crew.load.order_ids()
        wait_until(lambda: listener.subjects() >= orders, what="the event of every order")
        crew.end()


@pytest.mark.skipif(ROUNDS == 1, reason="the short form")
def test_a_node_that_hangs_is_left_like_one_that_is_dead(
    cluster: list[RabbitMQ], home: Path, engine: Engine, tmp_path: Path
) -> None:
    by_address = {f"127.0.0.1:{node.port}": node for node in cluster}
    with running_crew(url_of(cluster), home, engine, tmp_path) as crew:
        victim = by_address[crew.node_of("intake")]
        assert victim.process is not None
        group = victim.process.pid
        try:
            # It is noticed by what it does not confirm within WILLCALL_PUBLISH_TIMEOUT_SECONDS.
            crew.survives("a node hangs", lambda: os.killpg(group, signal.SIGSTOP), seconds=60)
        finally:
            os.killpg(group, signal.SIGCONT)
        crew.load.stop()
        crew.load.check()
        crew.end()
