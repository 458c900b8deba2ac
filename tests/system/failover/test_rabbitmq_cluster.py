"""A node of a RabbitMQ cluster dies under load: work goes on in seconds, nothing is lost or doubled."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from kombu import Connection
from sqlalchemy import Engine

from intake.cli.checks.node_checks import check_nodes
from tests.processes import pause, resume, wait_until
from tests.system.failover.bounds import ROUNDS
from tests.system.failover.cluster import Cluster, running_cluster
from tests.system.failover.crew import running_crew
from tests.system.neighbours.events.listening import listening
from willcall.publishing import Publisher
from worker.runtime.settings import Settings

pytestmark = pytest.mark.xdist_group("rabbitmq-cluster")


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with running_cluster(tmp_path_factory.mktemp("cluster")) as found:
        yield found


def test_the_node_that_the_intake_is_connected_to_is_killed_under_load(
    cluster: Cluster, home: Path, engine: Engine, tmp_path: Path
) -> None:
    with (
        running_crew(cluster.url, home, engine, tmp_path) as crew,
        listening(cluster.url, "order.*", **{"x-queue-type": "quorum"}) as listener,
    ):
        for number in range(ROUNDS):
            victim = cluster.at(crew.node_of("intake"))
            crew.survives(f"node {number + 1} of {len(cluster.nodes)} is killed", victim.kill)
            victim.start()
            cluster.wait_until_whole(victim)
        crew.load.stop()
        crew.load.check()
        orders = crew.load.order_ids()
        wait_until(lambda: listener.subjects() >= orders, what="the event of every order")
        crew.end()


@pytest.mark.skipif(ROUNDS == 1, reason="the short form")
def test_a_node_that_hangs_is_left_like_one_that_is_dead(
    cluster: Cluster, home: Path, engine: Engine, tmp_path: Path
) -> None:
    with running_crew(cluster.url, home, engine, tmp_path) as crew:
        victim = cluster.at(crew.node_of("intake"))
        pids = victim.pids()
        try:
            # The other nodes wait for it as long as they are told to, and so do we.
            crew.survives("a node hangs", lambda: pause(*pids), seconds=60)
        finally:
            resume(*pids)
        crew.load.stop()
        crew.load.check()
        crew.end()


def test_doctor_names_nodes_that_are_away_and_queues_that_one_node_holds(cluster: Cluster) -> None:
    away = "amqp://guest:guest@127.0.0.1:1//"
    settings = Settings(broker_url=f"{cluster.url};{away}", broker_management_url=cluster.management_url)
    with Publisher(settings.broker(), settings) as publisher:
        publisher.publish([])

    def found(check: str) -> list[tuple[bool, str]]:
        return [(one.is_ok, one.message) for one in check_nodes(settings) if one.check.startswith(check)]

    def members() -> tuple[bool, str]:
        [finding] = found("queue members")
        return finding

    wait_until(lambda: members()[0], what="queues with three members")
    assert [is_ok for is_ok, _ in found("node ")] == [True, True, True, False]
    with Connection(cluster.url) as connection:
        alone = {"x-queue-type": "quorum", "x-quorum-initial-group-size": 1}
        channel = connection.default_channel
        name = "declared-before-the-others-joined"
        channel.queue_declare(name, durable=True, auto_delete=False, arguments=alone)
        try:
            wait_until(lambda: not members()[0], what="the queue that is alone")
            assert name in members()[1]
            assert "rabbitmq-queues grow" in members()[1]
        finally:
            channel.queue_delete(name)
    without = Settings(broker_url=settings.broker())
    [unknown] = [one for one in check_nodes(without) if one.check == "queue members"]
    assert unknown.is_ok
    assert "rabbitmq-queues quorum_status" in unknown.message
