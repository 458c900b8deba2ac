"""A supervisor in the foreground: its children's output, and the signals that stop it."""

import re
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from intake.cli.processes.supervisor import Supervisor
from worker.runtime.log_lines import wants_colour
from worker.runtime.printable import printable

_COLOURS: Final = ("36", "32", "33", "35", "34", "31")
_COLOURING: Final = re.compile(r"(\x1b\[[0-9;]*m)")
_LOOK_EVERY: Final = 0.1


class Printer:
    """Prints lines with the name of the child that wrote them, coloured on a terminal."""

    def __init__(self, names: Sequence[str]) -> None:
        self._width = max(len(name) for name in names)
        self._colours = {name: _COLOURS[index % len(_COLOURS)] for index, name in enumerate(names)}
        self._lock = threading.Lock()

    def show(self, name: str, line: str) -> None:
        """Print one line of a child."""
        prefix = f"{name:<{self._width}} |"
        if wants_colour(sys.stdout.isatty()):
            prefix = f"\x1b[{self._colours.get(name, '0')}m{prefix}\x1b[0m"
        with self._lock:
            sys.stdout.write(f"{prefix} {_shown(line)}\n")
            sys.stdout.flush()


def _shown(line: str) -> str:
    """Return a child's line made safe to show: its colours stay, other control sequences go."""
    return "".join(part if _COLOURING.fullmatch(part) else printable(part) for part in _COLOURING.split(line))


class Signals:
    """The number of signals to stop, and the last one."""

    def __init__(self) -> None:
        self.count = 0
        self.last: int = 0

    @contextmanager
    def caught(self) -> Iterator[None]:
        """Count SIGINT, SIGTERM and SIGHUP instead of exiting."""
        numbers = [signal.SIGINT, signal.SIGTERM]
        if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # nohup ignores it
            numbers.append(signal.SIGHUP)
        before = {number: signal.signal(number, self._on_signal) for number in numbers}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _on_signal(self, number: int, frame: object) -> None:
        self.count += 1
        self.last = number


def run_in_foreground(supervisor: Supervisor, look: Callable[[], None] = lambda: None) -> None:
    """Run the children until a signal to stop; kill them at a second one. `look` is called repeatedly.

    Raises `KeyboardInterrupt` at the end after Ctrl-C; other signals to stop are no failure.
    """
    signals = Signals()
    with signals.caught():
        try:
            supervisor.start()
            while not signals.count:
                supervisor.watch()
                look()
                time.sleep(_LOOK_EVERY)
        finally:
            asked = signals.count
            supervisor.stop(is_in_hurry=lambda: signals.count > asked)
    if signals.last == signal.SIGINT:
        raise KeyboardInterrupt
