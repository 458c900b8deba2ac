"""Children are started, started again when they die, and ended by their ids."""

import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from intake.cli.processes.supervisor import Child, Supervisor
from tests.processes import wait_until

STUBBORN = """
import signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("deaf", flush=True)
time.sleep(600)
"""


class Said:
    """Collects what is printed."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, str]] = []

    def show(self, name: str, line: str) -> None:
        self.lines.append((name, line))

    def of(self, name: str) -> list[str]:
        return [line for one, line in self.lines if one == name]


def _python(program: str) -> list[str]:
    return [sys.executable, "-c", program]


@contextmanager
def _supervised(said: Said, *children: Child) -> Iterator[Supervisor]:
    supervisor = Supervisor(children, said.show)
    try:
        supervisor.start()
        yield supervisor
    finally:
        supervisor.stop(is_in_hurry=lambda: True)


def _watch(supervisor: Supervisor, until: Callable[[], bool], what: str) -> None:
    def is_so() -> bool:
        supervisor.watch()
        return until()

    wait_until(is_so, what=what)


def test_a_child_that_dies_is_started_again_and_waits_longer_each_time() -> None:
    said = Said()
    started = time.monotonic()
    with _supervised(said, Child("short", _python("print('hello'); raise SystemExit(3)"))) as supervisor:
        _watch(supervisor, lambda: len(said.of("short")) == 6, what="three deaths")

    assert time.monotonic() - started >= 1 + 2
    assert said.of("short") == [
        "hello",
        "exited with 3; restarting in 1 s",
        "hello",
        "exited with 3; restarting in 2 s",
        "hello",
        "exited with 3; restarting in 4 s",
    ]


def test_one_that_dies_does_not_disturb_the_others() -> None:
    said = Said()
    steady = Child("steady", _python("import time; time.sleep(600)"))
    with _supervised(said, steady, Child("short", _python("pass"))) as supervisor:
        before = steady.process
        _watch(supervisor, lambda: len(said.of("short")) == 2, what="two deaths")
        assert steady.is_running
        assert steady.process is before


def test_children_are_asked_to_end_before_they_are_killed() -> None:
    said = Said()
    polite = Child("polite", _python("import time; print('in', flush=True); time.sleep(600)"))
    with _supervised(said, polite) as supervisor:
        wait_until(lambda: said.of("polite") == ["in"], what="the child")
        process = polite.process
        supervisor.stop()

    assert process is not None
    assert process.returncode == -signal.SIGTERM
    assert said.of("polite") == ["in"]


def test_a_child_that_does_not_listen_is_killed() -> None:
    said = Said()
    stubborn = Child("stubborn", _python(STUBBORN))
    with _supervised(said, stubborn) as supervisor:
        wait_until(lambda: said.of("stubborn") == ["deaf"], what="the child")
        process = stubborn.process
        supervisor.stop(is_in_hurry=lambda: True)

    assert process is not None
    assert process.returncode == -signal.SIGKILL
    assert said.of("stubborn")[-1] == "has not ended in time; killing it"


def test_a_child_hears_no_ctrl_c_of_the_terminal() -> None:
    said = Said()
    program = "import os; print(os.getsid(0) == os.getpid())"
    with _supervised(said, Child("leader", _python(program))):
        wait_until(lambda: said.of("leader") != [], what="the child")

    assert said.of("leader")[0] == "True"
