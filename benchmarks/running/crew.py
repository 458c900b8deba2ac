"""The worker processes of one system: started, warmed up, and held still while others are measured."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from benchmarks.loads.orders import make_orders
from benchmarks.running.database import Commits, Database, Stalled
from willcall.messages import Message

ROOT: Final = Path(__file__).parents[2]

CELERY_READY: Final = " ready."
"""What the log of a Celery worker says once."""

_START_SECONDS: Final = 60.0
_LOG_BYTES: Final = 3_000

Bodies = Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class System:
    """One way of processing orders: its processes, and how its messages are published."""

    name: str
    database: Database
    commands: Callable[[int], Sequence[Sequence[str]]]
    """The arguments of `python -m` for each process, by the number of workers."""
    environment: Mapping[str, str]
    publish: Callable[[Bodies, int], None]
    """Publishes orders, a limited number per message, and returns when the broker has confirmed them."""
    ready: str
    """What the log says of each worker that is ready, or of all of them."""
    ready_words: Callable[[int], int]
    """How often it says so, by the number of workers."""
    workers: tuple[int, ...]
    """Numbers of workers to choose from."""
    warm_up: int
    """Orders of which every worker surely has some, after which caches are warm; no drain has fewer."""
    broker_url: str
    messages: Callable[[Bodies], list[Message]] | None = None
    """Returns the messages of orders that come one by one; None for the queues of other clients."""


@dataclass
class Crew:
    """Running processes of a system; they are stopped (SIGSTOP) except inside `at_work`."""

    system: System
    workers: int
    log: Path
    processes: "list[subprocess.Popen[bytes]]" = field(default_factory=list)
    rate: float = 0.0
    """Orders a second, as last measured."""

    def launch(self) -> None:
        """Start the processes."""
        with self.log.open("wb") as output:
            for command in self.system.commands(self.workers):
                self.processes.append(start(command, self.system.environment, output))

    def get_ready(self) -> None:
        """Wait until the processes are ready, let them process a few orders, and hold them."""
        for process in self.processes:
            wait_until_ready(process, self.log, self.system.ready, self.system.ready_words(self.workers))
        # So that connections are open and caches are warm.
        self.drain(make_orders(self.system.warm_up), 50)

    def orders_for(self, seconds: float) -> int:
        """Return how many orders take about so long, by the last rate."""
        return max(self.system.warm_up, int(self.rate * seconds))

    def drain(self, orders: Bodies, per_message: int) -> Commits:
        """Fill the queue, then let the processes empty it; return when the orders were committed."""
        database = self.system.database
        database.reset()
        after, sold = database.last_order(), database.sold()
        self.system.publish(orders, per_message)
        with self.at_work():
            database.wait_for(sold + len(orders), log=self.last_words)
        commits = database.commits(after)
        if sum(commits.orders) != len(orders):
            raise Stalled(f"{len(orders)} orders were sent, and {sum(commits.orders)} are there")
        if len(commits.moments) > 1:
            self.rate = commits.rate
        return commits

    @contextlib.contextmanager
    def at_work(self) -> Iterator[None]:
        """Let the processes run until the block ends."""
        self._signal(signal.SIGCONT)
        try:
            yield
        finally:
            time.sleep(0.1)  # the last acknowledgement leaves after the last commit
            self._signal(signal.SIGSTOP)

    def _signal(self, how: signal.Signals) -> None:
        for process in self.processes:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, how)

    def last_words(self) -> str:
        """Return the end of the processes' log."""
        return _end_of(self.log)

    def end(self) -> None:
        """End the processes, and their children."""
        end(*self.processes)


def start(arguments: Sequence[str], environment: Mapping[str, str], output: Any) -> "subprocess.Popen[bytes]":
    """Start `python -m …` in a session of its own, so that its children can be signalled with it."""
    return subprocess.Popen(
        [sys.executable, "-m", *arguments],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT), **environment},
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=output,
        start_new_session=True,
    )


def wait_until_ready(
    process: "subprocess.Popen[bytes]", log: Path, word: str = CELERY_READY, times: int = 1
) -> None:
    """Return when a log says so often that what writes it is ready. Raises `Stalled` with its end."""
    deadline = time.monotonic() + _START_SECONDS
    while log.read_text(errors="replace").count(word) < times:
        if time.monotonic() > deadline or process.poll() is not None:
            raise Stalled(f"a process did not start; the end of its log:\n{_end_of(log)}")
        time.sleep(0.02)


def _end_of(log: Path) -> str:
    return log.read_bytes()[-_LOG_BYTES:].decode(errors="replace")


def end(*processes: "subprocess.Popen[bytes]") -> None:
    """End processes that `start` started, with their children: at once, as they have nothing left to do."""
    for process in processes:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    for process in processes:
        process.wait()
