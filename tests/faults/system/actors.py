"""The processes of the system under test, and who starts them again when they are gone."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tests.intake.cli.conftest import environment
from tests.processes import PATIENCE_SECONDS, ROOT, children_of, is_alive, pause, resume

READY: Final = {
    "worker": " ready.",
    "relay": " ready.",
    "beat": "beat: Starting",
    "intake": "Uvicorn running",
}
"""The roles, and what a process of each says when it is ready."""

_RESTART_SECONDS: Final = 0.2
"""How long the supervisor waits before it starts again what has ended."""


@dataclass
class Actor:
    """A process of one role that can be killed, stopped for a while, and started again."""

    name: str
    role: str
    variables: Mapping[str, object]
    folder: Path
    process: "subprocess.Popen[bytes] | None" = None
    is_held: bool = False
    """Whether the supervisor leaves it alone: a fault has it down."""
    _log_began: int = 0
    endings: dict[int, int] = field(default_factory=dict)
    """The exit codes of those that nobody had ended, by their process ids."""

    @property
    def log(self) -> Path:
        return self.folder / f"{self.name}.log"

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    @property
    def is_alive(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def start(self, *, prefix: Sequence[str] = (), **variables: object) -> None:
        """Start it, with other variables where they have to differ; does not wait until it is ready."""
        self._log_began = self.log.stat().st_size if self.log.exists() else 0
        own = environment(**self.variables, **variables) | {"PYTHONPATH": str(ROOT)}
        command = [*prefix, sys.executable, "-m", "tests.faults.system.process", "serve", self.role]
        with self.log.open("ab") as output:
            self.process = subprocess.Popen(
                command, cwd=self.folder, env=own, stdin=subprocess.DEVNULL, stdout=output, stderr=output
            )
        self.is_held = False

    def is_ready(self) -> bool:
        """Say whether it runs, and has said since its last start that it is ready."""
        return self.is_alive and READY[self.role].encode() in self.log.read_bytes()[self._log_began :]

    def kill(self) -> int:
        """End it and its children at once (SIGKILL); return its process id."""
        self.is_held = True
        pid = self.pid
        for one in (pid, *children_of(pid)):
            with suppress(ProcessLookupError):
                os.kill(one, signal.SIGKILL)
        assert self.process is not None
        self.process.wait(PATIENCE_SECONDS)
        return pid

    def end(self, seconds: float = 60) -> int:
        """End it in good order; return its exit code. One that does not end in time is killed."""
        self.is_held = True
        if self.process is None:
            return 0
        self.process.send_signal(signal.SIGCONT)
        self.process.terminate()
        with suppress(subprocess.TimeoutExpired):
            return self.process.wait(seconds)
        self.kill()
        return -signal.SIGKILL

    def pause(self) -> int:
        """Stop it (SIGSTOP): its connections stay open, and it does nothing; return its process id."""
        pause(self.pid)
        return self.pid

    def resume(self) -> None:
        resume(self.pid)


class Supervisor:
    """Starts processes again that have ended, as systemd or Kubernetes would."""

    def __init__(self, actors: Sequence[Actor]) -> None:
        self._actors = actors
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="supervisor", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._is_over.set()
        self._thread.join(PATIENCE_SECONDS)

    def _watch(self) -> None:
        while not self._is_over.wait(_RESTART_SECONDS):
            for actor in self._actors:
                if not actor.is_held and actor.process is not None and not actor.is_alive:
                    actor.endings[actor.pid] = actor.process.returncode
                    actor.start()


def wait_until_all_run(actors: Sequence[Actor], seconds: float = PATIENCE_SECONDS) -> None:
    """Return when each process has said that it is ready."""
    deadline = time.monotonic() + seconds
    for actor in actors:
        while not actor.is_ready():
            if time.monotonic() > deadline or not (actor.is_alive or actor.is_held):
                raise AssertionError(f"{actor.name} is not ready:\n{actor.log.read_text()[-2000:]}")
            time.sleep(0.05)


def gone(pid: int) -> bool:
    return not is_alive(pid)
