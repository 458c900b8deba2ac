"""Child processes: started, watched, started again when they die, and ended."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

STOP_SECONDS: Final = 20.0
"""How long a child may take to end after SIGTERM, before it is killed."""

_LONGEST_BACKOFF: Final = 30.0

# A child that ran this long was healthy: its next death counts as the first.
_HEALTHY_SECONDS: Final = 60.0

Print = Callable[[str, str], None]
"""A callback that takes the name of a child and a line of its output."""


def willcall(*arguments: str) -> list[str]:
    """Return the command line of `willcall …`, run by this same program."""
    # -P: do not import from the current directory.
    return [sys.executable, "-P", "-m", "intake.cli.main", *arguments]


@dataclass(slots=True)
class Child:
    """A process to keep running, and its recent deaths."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0
    deaths: int = 0
    start_at: float = 0.0
    descriptors: Sequence[int] = ()
    """File descriptors that the process inherits, in addition to the standard three."""
    is_piped: bool = True
    """Whether its output is a pipe that we read; otherwise it shares ours."""
    on_death: Callable[[int], None] = lambda code: None
    """Called with the exit code before the process is restarted; an exception from it ends the supervisor."""
    _pumping: threading.Thread | None = None

    @property
    def is_running(self) -> bool:
        """Say whether the process is running."""
        return self.process is not None and self.process.poll() is None

    def start(self, show: Print) -> None:
        """Start the process in its own session, so that Ctrl-C in the terminal reaches only us."""
        self.started_at = time.monotonic()
        self.process = subprocess.Popen(
            self.command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE if self.is_piped else None,
            stderr=subprocess.STDOUT if self.is_piped else None,
            pass_fds=self.descriptors,
            start_new_session=True,
            env={
                **os.environ,
                "PYTHONUNBUFFERED": "1",
                "WILLCALL_SUPERVISOR": str(os.getpid()),
                **self.environment,
            },
        )
        if self.is_piped:
            self._pumping = threading.Thread(target=self._pump, args=(self.process, show), daemon=True)
            self._pumping.start()

    def _pump(self, process: "subprocess.Popen[bytes]", show: Print) -> None:
        assert process.stdout is not None  # noqa: S101 - it is a pipe
        with process.stdout as lines:
            for line in lines:
                show(self.name, line.decode(errors="replace").rstrip("\n"))

    def wait(self) -> None:
        """Wait until the process has ended and its last output is shown."""
        if self.process is not None:
            self.process.wait()
        if self._pumping is not None:
            self._pumping.join(1)  # no longer: its own child may still hold the pipe

    def bury(self, show: Print) -> None:
        """Note that the process has ended, and when to start the next one."""
        assert self.process is not None  # noqa: S101 - only a process can end
        self.wait()  # for its last output
        code, self.process = self.process.returncode, None
        self.on_death(code)
        if time.monotonic() - self.started_at > _HEALTHY_SECONDS:
            self.deaths = 0
        wait = min(2.0**self.deaths, _LONGEST_BACKOFF)
        self.deaths += 1
        self.start_at = time.monotonic() + wait
        show(self.name, f"{_how_it_ended(code)}; restarting in {wait:g} s")


def _how_it_ended(code: int) -> str:
    with suppress(ValueError):
        return f"was killed by {signal.Signals(-code).name}"
    return f"exited with {code}"


class Supervisor:
    """Keeps children running until it is stopped."""

    def __init__(self, children: Sequence[Child], show: Print) -> None:
        self.children = list(children)
        self._show = show

    def start(self) -> None:
        """Start all children."""
        for child in self.children:
            child.start(self._show)

    def watch(self) -> None:
        """Restart dead children when they are due; called several times a second."""
        for child in self.children:
            if child.process is None:
                if time.monotonic() >= child.start_at:
                    child.start(self._show)
            elif child.process.poll() is not None:
                child.bury(self._show)

    def stop(self, is_in_hurry: Callable[[], bool] = lambda: False) -> None:
        """Terminate all children, wait, and kill those that have not ended in time."""
        running = [child for child in self.children if child.is_running]
        for child in running:
            if child.process is not None:
                child.process.terminate()
        deadline = time.monotonic() + STOP_SECONDS
        while any(child.is_running for child in running) and not is_in_hurry():
            if time.monotonic() > deadline:
                break
            time.sleep(0.05)
        for child in running:
            if child.process is not None and child.is_running:
                self._show(child.name, "has not ended in time; killing it")
                child.process.kill()
            child.wait()


def end_with_supervisor() -> None:
    """End this process when the supervisor that started it dies, however that happens (Linux only)."""
    supervisor = os.environ.pop("WILLCALL_SUPERVISOR", None)
    if supervisor is None or sys.platform != "linux":
        return
    import ctypes

    set_parent_death_signal = 1  # PR_SET_PDEATHSIG, prctl(2)
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(set_parent_death_signal, signal.SIGTERM)
    if os.getppid() != int(supervisor):  # it died before
        raise SystemExit(128 + signal.SIGTERM)
