"""Server processes that outlive the program that starts them."""

import os
import signal
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from worker.runtime.embedded.accounts import Account, run_as
from worker.runtime.embedded.errors import EmbeddedServerFailed

START_SECONDS = 120  # recovery and loading may take long; a server that dies is noticed at once
STOP_SECONDS = 60
LOG_LINES = 8  # of a server's log, in the message of a failure


class _Server(subprocess.Popen[bytes]):
    """A server that we started. It may outlive us, so Popen's warning about that is disabled."""

    def __del__(self) -> None:
        pass


# Kept until they have ended, so that none becomes a zombie.
_launched: list[_Server] = []


def is_running(pid: int, marker: str) -> bool:
    """Tell whether `pid` is a live process with `marker` in its command line."""
    if Path("/proc/self/cmdline").exists():
        with suppress(OSError):
            return marker.encode() in Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ")
        return False
    ps = ["ps", "-ww", "-o", "command=", "-p", str(pid)]  # macOS
    return marker in subprocess.run(ps, capture_output=True, text=True, check=False).stdout


def read_pid(file: Path, marker: str) -> int | None:
    """Return the pid in `file` if it is our server's: after a crash it may be another process's."""
    with suppress(FileNotFoundError, ValueError):
        pid = int(file.read_text().partition("\n")[0])
        return pid if pid > 0 and is_running(pid, marker) else None
    return None


def check_unused(file: Path, marker: str) -> None:
    """Raise `EmbeddedServerFailed` if a server of another user, with sockets elsewhere, uses the data."""
    if pid := read_pid(file, marker):
        raise EmbeddedServerFailed(
            f"The data next to {file} is used by process {pid}, which another user started."
            " Stop it first, or set WILLCALL_HOME to another place."
        )


def launch_server(
    command: list[str], log: Path, is_ready: Callable[[], bool], account: Account | None
) -> None:
    """Start a server that may outlive us; return when it is ready."""
    log.touch(mode=0o600)  # a failed statement in it may quote a buyer's name
    with log.open("ab") as output:
        server = _Server(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,  # so that Ctrl-C in our terminal does not end it
            env={**os.environ, "LC_ALL": "C"},
            **run_as(account),
        )
    _launched.append(server)
    deadline = time.monotonic() + START_SECONDS
    while not is_ready():
        has_ended = server.poll() is not None
        if has_ended or time.monotonic() > deadline:
            why = "it ended" if has_ended else f"it was not ready after {START_SECONDS} s"
            end = "\n".join(log.read_text(errors="replace").splitlines()[-LOG_LINES:])
            raise EmbeddedServerFailed(f"{command[0]} did not start: {why}. End of {log}:\n{end}")
        time.sleep(0.01)


def stop_server(pid: int | None, request: signal.Signals, marker: str) -> None:
    if pid is not None:
        with suppress(ProcessLookupError):
            os.kill(pid, request)
    deadline = time.monotonic() + STOP_SECONDS
    while pid is not None and is_running(pid, marker):
        if time.monotonic() > deadline:
            raise EmbeddedServerFailed(
                f"The embedded server with pid {pid} did not stop within {STOP_SECONDS} s."
            )
        time.sleep(0.01)
    for server in _launched:
        if server.pid == pid:  # it has no command line any more, but may not have ended yet
            server.wait()
    _launched[:] = [server for server in _launched if server.poll() is None]
