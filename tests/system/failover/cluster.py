"""Three nodes of RabbitMQ that are one cluster, on ports of their own."""

import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.processes import PATIENCE_SECONDS, wait_until
from tests.rabbitmq import RabbitMQ, free_port, is_installed

_DISCOVERY = "cluster_formation.peer_discovery_backend = classic_config\n"


@dataclass
class Cluster:
    """The nodes, and the management API, which the first of them has."""

    nodes: list[RabbitMQ]
    management_url: str

    @property
    def ports(self) -> list[int]:
        return [node.port for node in self.nodes]

    @property
    def url(self) -> str:
        return ";".join(node.url for node in self.nodes)

    def at(self, address: str) -> RabbitMQ:
        """Return the node with an address."""
        [found] = [node for node in self.nodes if address == f"127.0.0.1:{node.port}"]
        return found

    def wait_until_whole(self, node: RabbitMQ) -> None:
        """Return when all nodes run, as one of them sees it."""
        wait_until(lambda: members(node) == len(self.nodes), what="a whole cluster")


@contextmanager
def running_cluster(home: Path, size: int = 3, config: str = "") -> Iterator[Cluster]:
    """Run a cluster, with lines of `rabbitmq.conf`; the block may kill its nodes and start them again."""
    if not is_installed():
        pytest.skip("RabbitMQ is not installed")
    epmd_port, management_port = free_port(), free_port()
    nodes = [RabbitMQ(home / str(number), free_port(), free_port(), epmd_port) for number in range(size)]
    first = f"willcall{nodes[0].port}@localhost"
    for node in nodes:
        node.home.mkdir(parents=True)
        cookie = node.home / ".erlang.cookie"
        cookie.write_text("WILLCALL")
        cookie.chmod(0o400)
        node.config = f"{_DISCOVERY}cluster_formation.classic_config.nodes.1 = {first}\n{config}"
        # Seconds after which the others give up a node that hangs; RabbitMQ's default is a minute.
        node.erlang_options = "-kernel net_ticktime 8"
    nodes[0].plugins = "rabbitmq_management"
    nodes[0].config += f"management.tcp.ip = 127.0.0.1\nmanagement.tcp.port = {management_port}\n"
    names = subprocess.Popen(
        ["epmd", "-port", str(epmd_port), "-address", "127.0.0.1"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        nodes[0].start()
        with ThreadPoolExecutor(size) as pool:
            list(pool.map(RabbitMQ.start, nodes[1:]))
        wait_until(lambda: members(nodes[0]) == size, what="a cluster")
        yield Cluster(nodes, f"http://guest:guest@127.0.0.1:{management_port}")
    finally:
        for node in nodes:
            node.kill()
        names.terminate()
        names.wait(PATIENCE_SECONDS)


def members(node: RabbitMQ) -> int:
    """Return how many nodes run, as one of them sees it."""
    return int(node.ctl("--silent", "eval", "length(rabbit_nodes:all_running()).").strip())
