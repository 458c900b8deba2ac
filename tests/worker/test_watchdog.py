"""The watchdog of a worker ends calls that do not return, and spares a process that was stopped meanwhile."""

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.processes import is_stopped, pause, resume

_ROOT: Final = Path(__file__).parents[2]

# The watchdog in a process that it may end, with shorter limits. A line of standard input ends the call.
_WATCHED: Final = """
import sys
from types import SimpleNamespace
from worker import watchdog
from worker.runtime.pulse import Pulse

watchdog._STUCK_SECONDS, watchdog._HOPELESS_SECONDS = 7.0, 9.0
pulse = Pulse()
pulse.abort = lambda: print("aborted", flush=True)
worker = SimpleNamespace(pulses=[pulse], exitcode=None)
dog = watchdog.Watchdog(worker)
watch = watchdog.PulseWatch(worker)
import threading
threading.Thread(target=dog._run, args=(watch,), daemon=True).start()
with pulse.waiting():
    print("waiting", flush=True)
    sys.stdin.readline()
print("done", flush=True)
"""


@pytest.fixture
def watched() -> Iterator["subprocess.Popen[str]"]:
    with subprocess.Popen(
        [sys.executable, "-c", _WATCHED],
        cwd=_ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "waiting\n"
        yield process
        process.kill()


def test_a_call_that_does_not_return_is_aborted_and_then_ends_the_process(
    watched: "subprocess.Popen[str]",
) -> None:
    assert watched.stdout is not None
    assert watched.stdout.readline() == "aborted\n"
    assert watched.wait(60) == 1


def test_a_process_that_was_stopped_goes_on(watched: "subprocess.Popen[str]") -> None:
    pause(watched.pid)
    assert is_stopped(watched.pid)
    time.sleep(12)  # longer than a call may take; nothing else tells that this is over
    resume(watched.pid)
    output, _ = watched.communicate("\n", timeout=60)
    assert (output, watched.returncode) == ("done\n", 0)
