"""Willcall's own processes, started for a test and ended by pid."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent


@dataclass
class Process:
    """A running process whose output goes to a file."""

    process: "subprocess.Popen[bytes]"
    log: Path

    def output(self) -> str:
        return self.log.read_text(errors="replace")

    def end(self, how: signal.Signals = signal.SIGTERM, timeout: float = 30) -> int:
        if self.process.poll() is None:
            self.process.send_signal(how)
        return self.process.wait(timeout)


@contextlib.contextmanager
def running_celery(
    *arguments: str, environment: Mapping[str, str], log: Path, ready: str = "", app: str = "worker.app"
) -> Iterator[Process]:
    """Run `celery -A worker.app …` until the block ends; wait for a word in its output first."""
    with log.open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "celery", "-A", app, *arguments],
            cwd=ROOT,
            env=os.environ | {"WILLCALL_LOG_LEVEL": "INFO"} | dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )
    running = Process(process, log)
    try:
        if ready:
            wait_until(lambda: ready in running.output() or process.poll() is not None, what=ready)
            assert process.poll() is None, running.output()
        yield running
    finally:
        with contextlib.suppress(subprocess.TimeoutExpired):
            running.end(timeout=20)
        if process.poll() is None:
            running.end(signal.SIGKILL)


def running_worker(
    queues: str, *, environment: Mapping[str, str], log: Path, name: str = "worker"
) -> contextlib.AbstractContextManager[Process]:
    """Run a worker of these queues; it is ready when the block begins."""
    return running_celery(
        "worker",
        f"--queues={queues}",
        f"--hostname={name}@%h",
        "--without-mingle",
        "--without-gossip",
        environment=environment,
        log=log,
        ready=" ready.",
    )


def wait_until(condition: Callable[[], bool], *, what: str, timeout: float = 60) -> None:
    """Return when the condition holds; fail after so many seconds."""
    deadline = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < deadline, f"waited {timeout:g} s in vain for: {what}"
        time.sleep(0.05)
