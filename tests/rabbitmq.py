"""A RabbitMQ of our own: Debian's package, on free ports, ended by pid."""

import contextlib
import os
import random
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.processes import PATIENCE_SECONDS, children_of

BIN = Path("/usr/lib/rabbitmq/bin")


def is_installed() -> bool:
    return (BIN / "rabbitmq-server").exists() and shutil.which("epmd") is not None


def free_port() -> int:
    """Return a port that nothing listens on, and that no other is likely to take before its server does."""
    # Below those that the kernel hands out (from 32768, or from 49152): each connection takes one of these.
    for port in random.sample(range(15_000, 32_000), 1_000):
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise RuntimeError("no port is free")


@dataclass
class RabbitMQ:
    """One node, its data under `home`; it can be stopped, killed and started again on the same port."""

    home: Path
    port: int
    distribution_port: int
    epmd_port: int
    config: str = ""
    erlang_options: str = ""
    plugins: str = ""
    process: "subprocess.Popen[bytes] | None" = None
    host: str = "127.0.0.1"

    @property
    def url(self) -> str:
        return f"amqp://guest:guest@{self.host}:{self.port}//"

    def environment(self) -> dict[str, str]:
        return os.environ | {
            "HOME": str(self.home),
            "RABBITMQ_NODENAME": f"willcall{self.port}@localhost",
            "RABBITMQ_NODE_IP_ADDRESS": self.host,
            "RABBITMQ_NODE_PORT": str(self.port),
            "RABBITMQ_DIST_PORT": str(self.distribution_port),
            "RABBITMQ_MNESIA_BASE": str(self.home / "data"),
            "RABBITMQ_LOG_BASE": str(self.home / "log"),
            "RABBITMQ_PID_FILE": str(self.home / "pid"),
            "RABBITMQ_CONFIG_FILE": str(self.home / "rabbitmq"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(self.home / "plugins"),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": (
                f"+S 2:2 +sbwt none +sbwtdcpu none +sbwtdio none {self.erlang_options}"
            ),
            "ERL_CRASH_DUMP": str(self.home / "crash.dump"),
            "ERL_EPMD_PORT": str(self.epmd_port),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
        }

    def start(self) -> None:
        (self.home / "plugins").write_text(f"[{self.plugins}].\n")
        (self.home / "rabbitmq.conf").write_text(
            "log.console = true\nlog.console.level = warning\nlog.file = false\n"
            "disk_free_limit.absolute = 50MB\n" + self.config
        )
        with (self.home / "console.log").open("ab") as log:
            # A session of its own: the start script's children are ended with it.
            self.process = subprocess.Popen(
                [BIN / "rabbitmq-server"],
                env=self.environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self._wait_until_ready()

    def pids(self) -> list[int]:
        """Return the processes of this node: the start script, and what it runs."""
        assert self.process is not None
        found = [self.process.pid]
        for pid in found:
            found += children_of(pid)
        return found

    def ctl(self, *arguments: str) -> str:
        """Run `rabbitmqctl` against this node; return what it printed."""
        command: list[str | Path] = [BIN / "rabbitmqctl", *arguments]
        done = subprocess.run(
            command, env=self.environment(), capture_output=True, text=True, timeout=PATIENCE_SECONDS
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            assert self.process is not None
            if self.process.poll() is not None:
                break
            with contextlib.suppress(OSError), socket.create_connection((self.host, self.port), 2) as probe:
                probe.sendall(b"AMQP\x00\x00\x09\x01")
                probe.settimeout(5)
                if probe.recv(1):
                    return
            time.sleep(0.1)
        raise RuntimeError("RabbitMQ did not start: " + (self.home / "console.log").read_text()[-3000:])

    def end(self, how: int = signal.SIGTERM) -> None:
        if self.process is not None:
            group = self.process.pid
            with contextlib.suppress(ProcessLookupError):
                os.killpg(group, how)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(60)
            # What is left of the group, if anything: helpers that outlived their parent.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(group, signal.SIGKILL)
            self.process.wait(PATIENCE_SECONDS)
            self.process = None

    def kill(self) -> None:
        self.end(signal.SIGKILL)


@contextlib.contextmanager
def running_rabbitmq(
    home: Path, config: str = "", plugins: str = "", host: str = "127.0.0.1"
) -> Iterator[RabbitMQ]:
    if not is_installed():
        pytest.skip("RabbitMQ is not installed")
    home.mkdir(parents=True, exist_ok=True)
    server = RabbitMQ(home, free_port(), free_port(), free_port(), config, plugins=plugins, host=host)
    names = subprocess.Popen(
        ["epmd", "-port", str(server.epmd_port), "-address", "127.0.0.1"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        server.start()
        yield server
    finally:
        server.end()
        names.terminate()
        names.wait(PATIENCE_SECONDS)
