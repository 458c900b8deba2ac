"""Printing: tables for people, JSON for programs.

No other module of the commands writes to a terminal: untrusted text is made safe here.
"""

import json
import sys
import traceback
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from types import TracebackType
from typing import Annotated, Any

import typer
from rich.console import Console, RenderableType
from rich.highlighter import JSONHighlighter
from rich.live import Live
from rich.status import Status
from rich.table import Table
from rich.text import Text

from worker.runtime.printable import printable, printable_json

JsonFlag = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]
TenantOption = Annotated[str | None, typer.Option("--tenant", metavar="T", help="Only those of this tenant.")]
LimitOption = Annotated[int, typer.Option("--limit", min=1, max=200, help="Maximum number of results.")]

# Pipes have no width: rich would truncate ids at 80 columns.
_PIPE_COLUMNS = 240

_COLOURS = {
    "placed": "green", "processed": "green", "valid": "green", "paid": "green", "ok": "green",
    "rejected": "yellow", "pending": "yellow", "unpaid": "yellow", "partially_paid": "yellow",
    "dead": "red", "cancelled": "red", "refunded": "red", "voided": "red", "bad": "red",
}  # fmt: skip


def _console() -> Console:
    """Return a console on standard output as it is now; a test may have replaced it."""
    return Console(width=None if sys.stdout.isatty() else _PIPE_COLUMNS, highlight=False)


def print_json(value: Any) -> None:
    """Print one JSON document on a line of its own."""
    from orders.render import to_json

    print_json_text(to_json(value).decode())


def print_json_text(document: str) -> None:
    """Print a text that is already JSON."""
    sys.stdout.write(printable_json(document) + "\n")
    sys.stdout.flush()


def print_pretty_json(document: str) -> None:
    """Print a JSON document for people: indented, and in colour on a terminal."""
    pretty = json.dumps(json.loads(document), indent=2, ensure_ascii=False)
    lines = "\n".join(map(printable_json, pretty.split("\n")))
    _console().print(JSONHighlighter()(Text(lines)), soft_wrap=True)


def print_line(text: str = "", style: str = "") -> None:
    """Print one line in a style of rich, even if the text has line breaks."""
    if style:
        _console().print(Text(printable(text), style), soft_wrap=True)
        return
    sys.stdout.write(printable(text) + "\n")
    sys.stdout.flush()


def print_mark(mark: str, style: str, text: str) -> None:
    """Print a line that begins with a mark in a style."""
    _console().print(Text(mark, style) + Text(printable(text)), soft_wrap=True)


def print_lines(text: str) -> None:
    """Print a text of several lines, indented, so that none can be mistaken for one of ours."""
    for line in text.split("\n"):
        print_line(f"  {line}")


def print_error(text: str) -> None:
    """Print an error or a note on standard error.

    Lines after the first are indented, so that untrusted text cannot be mistaken for a line of ours.
    """
    first, *others = map(printable, text.split("\n"))
    indented = (line if line.startswith(" ") else f"  {line}" for line in others)
    sys.stderr.write("\n".join([first, *indented]) + "\n")
    sys.stderr.flush()


def print_unexpected(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Print the stack trace of an unexpected error: `sys.excepthook` of the command line."""
    print_error("".join(traceback.format_exception(kind, error, trace)).rstrip("\n"))


@contextmanager
def steps(first: str) -> Iterator[Callable[[str], None]]:
    """Yield a function that prints the name of each step; a terminal also shows a spinner."""
    if not sys.stdout.isatty():
        yield lambda name: print_line(f"  {name}")
        return
    screen = _console()
    with screen.status(first) as shown:

        def step(name: str) -> None:
            screen.print(Text(f"  {printable(name)}", "dim"))
            shown.update(printable(name.capitalize()))

        yield step


def status(text: str) -> Status:
    """Return a spinner on standard error, shown only on a terminal."""
    return Console(stderr=True).status(printable(text))


def print_table(columns: Sequence[str], rows: Iterable[Sequence[Any]], *, title: str | None = None) -> None:
    """Print a table, below an empty line and its title; statuses are coloured."""
    if title:
        print_line()
    _console().print(make_table(columns, rows, title=title))


def make_table(columns: Sequence[str], rows: Iterable[Sequence[Any]], *, title: str | None = None) -> Table:
    """Return a table to show; statuses are coloured."""
    table = Table(
        title=title and printable(title),
        title_justify="left",
        title_style="bold",
        show_header=any(columns),
        box=None,
        pad_edge=False,
        padding=(0, 2, 0, 0),
    )
    for column in columns:
        table.add_column(printable(column), overflow="fold")
    for row in rows:
        table.add_row(*(_cell(value) for value in row))
    return table


def make_line(text: str, style: str = "") -> Text:
    """Return one line to show, in a style of rich."""
    return Text(printable(text), style)


def print_rendered(shown: RenderableType) -> None:
    """Print the results of `make_table` and `make_line`."""
    _console().print(shown)


def is_terminal() -> bool:
    """Say whether standard output is a terminal."""
    return sys.stdout.isatty()


@contextmanager
def live() -> Iterator[Callable[[RenderableType], None]]:
    """Yield a function that replaces the picture shown; the last one stays on the terminal."""
    with Live(console=_console(), auto_refresh=False, vertical_overflow="crop") as shown:
        yield lambda picture: shown.update(picture, refresh=True)


def _cell(value: Any) -> Text:
    """Return the value as text for a table."""
    shown = "" if value is None else printable(str(value))
    return Text(shown, style=_COLOURS.get(shown, ""))


def counted(count: int, noun: str) -> str:
    """Return a count with its noun: `1 request`, `2 requests`."""
    return f"{count} {noun}{'' if count == 1 else 's'}"


def print_facts(facts: Iterable[tuple[str, Any]]) -> None:
    """Print names and values, one per line."""
    print_table(("", ""), facts)
