"""A progress bar."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn


@contextmanager
def progress_bar(what: str, total: int | None) -> Iterator[tuple[Progress, TaskID]]:
    """Show a bar on a terminal: on standard error, unless outcomes are printed to the same one."""
    console = Console(file=sys.stdout if sys.stdout.isatty() else sys.stderr)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    # Rich moves the bar below lines that are printed meanwhile, if it may redirect them.
    redirect = sys.stdout.isatty()
    with Progress(
        *columns,
        console=console,
        disable=not console.is_terminal,
        transient=True,
        redirect_stdout=redirect,
        redirect_stderr=False,
    ) as progress:
        yield progress, progress.add_task(what, total=total)
