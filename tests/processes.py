"""Willcall's own processes, started for a test and ended by pid."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent

PATIENCE_SECONDS = 300.0
"""How long a test waits for what must happen: only a failure takes so long, on the slowest machine."""


@dataclass
class Process:
    """A running process whose output goes to a file."""

    process: "subprocess.Popen[bytes]"
    log: Path

    def output(self) -> str:
        return self.log.read_text(errors="replace")

    def end(self, how: signal.Signals = signal.SIGTERM, timeout: float = PATIENCE_SECONDS) -> int:
        if self.process.poll() is None:
            self.process.send_signal(how)
        return self.process.wait(timeout)


@contextlib.contextmanager
def running_process(
    command: Sequence[str], *, environment: Mapping[str, str], folder: Path, log: Path, ready: str = ""
) -> Iterator[Process]:
    """Run a command until the block ends; wait for a word in its own output first.

    The log may have the output of processes before it.
    """
    with log.open("ab") as output:
        said = log.read_text(errors="replace").count(ready)
        process = subprocess.Popen(
            command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=output
        )
    running = Process(process, log)
    try:
        if ready:
            wait_until(lambda: running.output().count(ready) > said or process.poll() is not None, what=ready)
            assert process.poll() is None, running.output()
        yield running
    finally:
        with contextlib.suppress(subprocess.TimeoutExpired):
            running.end(timeout=60)
        if process.poll() is None:
            running.end(signal.SIGKILL)


def running_celery(
    *arguments: str, environment: Mapping[str, str], log: Path, ready: str = "", app: str = "worker.app"
) -> contextlib.AbstractContextManager[Process]:
    """Run `celery -A worker.app …` until the block ends; wait for a word in its output first."""
    return running_process(
        [sys.executable, "-m", "celery", "-A", app, *arguments],
        environment=os.environ | {"WILLCALL_LOG_LEVEL": "INFO"} | dict(environment),
        folder=ROOT,
        log=log,
        ready=ready,
    )


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


def run_alone(command: list[str], **variables: str) -> "subprocess.CompletedProcess[str]":
    """Run a command to its end, with the machine's PATH and HOME and these variables only."""
    # No others: what a developer has set, or has in .env, must not decide the outcome.
    environment = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return subprocess.run(
        command,
        cwd=ROOT,
        env=environment | variables,
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
    )


def children_of(parent: int) -> dict[int, str]:
    """Return the command lines of a process's children, whole, by their ids."""
    if Path("/proc/self/stat").exists():
        return {
            pid: _proc(pid, "cmdline").replace("\0", " ")
            for pid in (int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit())
            if _stat(pid)[1:2] == [str(parent)]
        }
    # -ww: ps cuts its lines otherwise, and a clone's path may be long.
    ps = ["ps", "-ww", "-A", "-o", "pid=,ppid=,command="]
    listed = subprocess.run(ps, capture_output=True, text=True, check=True).stdout
    found = (line.split(maxsplit=2) for line in listed.splitlines())
    return {int(pid): command for pid, ppid, command in found if int(ppid) == parent}


def is_alive(pid: int) -> bool:
    """Say whether the process has not ended; one that nobody has waited for yet has."""
    if Path("/proc/self/stat").exists():
        return _stat(pid)[:1] not in ([], ["Z"])
    state = subprocess.run(["ps", "-o", "state=", "-p", str(pid)], capture_output=True, text=True).stdout
    return state.strip()[:1] not in ("", "Z")


def pause(*pids: int) -> None:
    """Stop the processes (SIGSTOP), and return when they are stopped; their connections stay open."""
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    wait_until(lambda: all(map(is_stopped, pids)), what=f"the processes {pids} to be stopped")


def resume(*pids: int) -> None:
    """Let stopped processes go on; one that has ended meanwhile is left out."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)


def is_stopped(pid: int) -> bool:
    """Say whether a signal has stopped each of the process's threads."""
    # On a busy machine the others still run for a while after the first.
    if Path("/proc/self/stat").exists():
        threads = [thread.name for thread in Path(f"/proc/{pid}/task").glob("*")]
        return bool(threads) and all(_stat(f"{pid}/task/{thread}")[:1] == ["T"] for thread in threads)
    state = subprocess.run(["ps", "-o", "state=", "-p", str(pid)], capture_output=True, text=True).stdout
    return state.strip()[:1] == "T"


def _stat(pid: int | str) -> list[str]:
    """Return the process's state, its parent and so on (proc(5)); nothing if it is gone."""
    # A program's name may hold spaces and brackets.
    return _proc(pid, "stat").rpartition(")")[2].split()


def _proc(pid: int | str, file: str) -> str:
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        return Path(f"/proc/{pid}/{file}").read_text(errors="replace")
    return ""


def wait_until(condition: Callable[[], bool], *, what: str, timeout: float = PATIENCE_SECONDS) -> None:
    """Return when the condition holds; fail after so many seconds."""
    deadline = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < deadline, f"waited {timeout:g} s in vain for: {what}"
        time.sleep(0.05)
