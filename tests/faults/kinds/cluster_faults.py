"""Nodes of a cluster that die, stand still, or are cut off from each other."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from random import Random
from typing import Final

from tests.faults.kinds.kind import Inject, kind, seen
from tests.faults.system.actors import gone
from tests.faults.system.stage import CLUSTER, Stage
from tests.processes import is_stopped, pause, resume, wait_until
from tests.rabbitmq import RabbitMQ
from tests.system.failover.cluster import Cluster, members

_COOKIE: Final = "WILLCALL"
"""By which the nodes know each other."""


def _cluster(stage: Stage) -> Cluster:
    assert isinstance(stage.broker, Cluster)
    return stage.broker


def _shuffled(stage: Stage, rng: Random) -> list[RabbitMQ]:
    nodes = _cluster(stage).nodes
    return rng.sample(nodes, len(nodes))


@kind("a node of three is killed", brokers=(CLUSTER,), lasts=(0.2, 2), weight=3)
def _killed(stage: Stage, rng: Random) -> Iterator[str]:
    victim, witness, _ = _shuffled(stage, rng)
    assert victim.process is not None
    pid = victim.process.pid
    victim.kill()
    seen(lambda: gone(pid), f"process {pid} of a node is gone")
    yield seen(lambda: members(witness) == 2, f"process {pid} of a node is gone, and the others are two")
    victim.start()
    _cluster(stage).wait_until_whole(witness)


@kind("two nodes of three are killed", brokers=(CLUSTER,), lasts=(0.5, 2), weight=2)
def _majority_killed(stage: Stage, rng: Random) -> Iterator[str]:
    first, second, last = _shuffled(stage, rng)
    before = stage.buyers.failures["503"]
    first.kill()
    second.kill()
    yield seen(
        lambda: stage.buyers.failures["503"] > before,
        "two nodes are gone, and the third takes no orders: a producer is told 503",
    )
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(RabbitMQ.start, (first, second)))
    _cluster(stage).wait_until_whole(first)
    last.ctl("await_startup")


def _stopped(*, is_restarted: bool) -> Inject:
    def inject(stage: Stage, rng: Random) -> Iterator[str]:
        victim, witness, _ = _shuffled(stage, rng)
        pids = victim.pids()
        try:
            pause(*pids)
            yield seen(lambda: all(map(is_stopped, pids)), f"processes {pids} of a node are stopped")
        finally:
            resume(*pids)
        if is_restarted:
            victim.kill()
            victim.start()
        _cluster(stage).wait_until_whole(witness)

    return inject


kind("a node of three is stopped", brokers=(CLUSTER,), weight=2)(_stopped(is_restarted=False))
# RabbitMQ's guide to partitions, on suspended machines: the others give it up, it sees nothing of that, and
# no rule for partitions notices. So before version 4 whoever wakes a node has to restart it.
kind("a node of three is stopped for longer than timeouts", brokers=(CLUSTER,), lasts=(11, 13), weight=1)(
    _stopped(is_restarted=True)
)


@kind("the cluster is cut in two", brokers=(CLUSTER,), lasts=(1, 4), weight=3)
def _cut(stage: Stage, rng: Random) -> Iterator[str]:
    # One that does not know their cookie any more cannot speak with them, nor they with it.
    lone, *others = _shuffled(stage, rng)
    try:
        _set_cookie(lone, others, "STRANGER")
        # At once: where one still speaks with both others, all three end their connections.
        lone.ctl("eval", f"[erlang:disconnect_node(N) || N <- {_names(others)}].")
        yield seen(
            lambda: members(others[0]) == 2 and _sees(lone) == 0,
            "two nodes see each other and not the third, which sees nobody",
        )
    finally:
        _set_cookie(lone, others, _COOKIE)
    wait_until(lambda: _is_whole(stage), what="a whole cluster, as each node sees it")


def _set_cookie(node: RabbitMQ, others: list[RabbitMQ], cookie: str) -> None:
    node.ctl("eval", f"[erlang:set_cookie(N, '{cookie}') || N <- {_names(others)}].")


def _sees(node: RabbitMQ) -> int:
    """Return how many other nodes of the cluster the node is connected to; not counted is who asks."""
    words = '[N || N <- nodes(), string:prefix(atom_to_list(N), "willcall") =/= nomatch]'
    return int(node.ctl("--silent", "eval", f"length({words}).").strip())


def _is_whole(stage: Stage) -> bool:
    nodes = _cluster(stage).nodes
    return all(members(node) == len(nodes) for node in nodes)


def _names(nodes: list[RabbitMQ]) -> str:
    """Return the names of nodes as a list of Erlang's."""
    return "[" + ", ".join(f"'{node.environment()['RABBITMQ_NODENAME']}'" for node in nodes) + "]"
