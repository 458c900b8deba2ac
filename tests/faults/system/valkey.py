"""A Valkey that can be killed, stopped for a while, and started again with what it had written."""

import subprocess
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import redis

from tests.processes import PATIENCE_SECONDS, children_of, resume, wait_until
from tests.rabbitmq import free_port
from tests.system.failover.sentinels import valkey_binary


@dataclass
class Valkey:
    """One server with an append-only file, each write on the disk before its answer."""

    home: Path
    port: int = field(default_factory=free_port)
    process: "subprocess.Popen[bytes] | None" = None

    def url(self, port: int) -> str:
        """Return its URL for who reaches it by a port of 127.0.0.1."""
        return f"redis://127.0.0.1:{port}/0"

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    def start(self, *options: str) -> None:
        """Start it; return when it has loaded its data and answers."""
        words = ["--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "yes"]
        words += ["--appendfsync", "always", "--maxmemory-policy", "noeviction", *options]
        with (self.home / "valkey.log").open("ab") as log:
            self.process = subprocess.Popen(
                [str(valkey_binary()), *words],
                cwd=self.home,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        wait_until(self.answers, what="a Valkey that answers")

    def answers(self) -> bool:
        with suppress(redis.RedisError), self.client() as client:
            return bool(client.ping())
        return False

    def client(self, seconds: float = 5) -> redis.Redis:
        return redis.Redis(port=self.port, socket_timeout=seconds, socket_connect_timeout=seconds)

    def ask(self, *words: Any) -> Any:
        with self.client(PATIENCE_SECONDS) as client:
            return client.execute_command(*words)

    def kill(self) -> int:
        pid = self.pid
        assert self.process is not None
        self.process.kill()
        self.process.wait(PATIENCE_SECONDS)
        return pid

    def pids(self) -> list[int]:
        """Return the process of the server, and of what it runs."""
        return [self.pid, *children_of(self.pid)]

    def stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            resume(self.pid)
            self.process.terminate()
            self.process.wait(PATIENCE_SECONDS)
