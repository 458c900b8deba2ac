"""What is done at the moment, on standard error."""

import sys
import time
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn


class Steps:
    """A bar over the measurements, and the step that runs; plain lines where there is no terminal."""

    def __init__(self, total: int) -> None:
        self._console = Console(stderr=True, highlight=False)
        self._progress = Progress(
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.description}"),
            console=self._console,
            transient=True,
        )
        self._task = self._progress.add_task("", total=total)
        self._began = time.monotonic()

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._console.is_terminal:
            self._progress.stop()

    def say(self, step: str) -> None:
        """Show what begins now."""
        self._progress.update(self._task, description=step)
        if not self._console.is_terminal:
            sys.stderr.write(f"{time.monotonic() - self._began:6.1f} s  {step}\n")
            sys.stderr.flush()

    def advance(self) -> None:
        """Show that a measurement is done."""
        self._progress.advance(self._task)
