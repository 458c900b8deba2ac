"""What commands print: tables for people, JSON for programs."""

import sys
from collections.abc import Iterable, Sequence
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

JsonFlag = Annotated[bool, typer.Option("--json", help="Print JSON for programs instead.")]
TenantOption = Annotated[str | None, typer.Option("--tenant", metavar="T", help="Only this tenant's.")]
LimitOption = Annotated[int, typer.Option("--limit", min=1, max=200, help="How many at most.")]

# Pipes have no width: rich would cut ids at 80 columns.
_PIPE_COLUMNS = 240

_COLOURS = {
    "placed": "green", "processed": "green", "valid": "green", "paid": "green", "ok": "green",
    "rejected": "yellow", "pending": "yellow", "unpaid": "yellow", "partially_paid": "yellow",
    "dead": "red", "cancelled": "red", "refunded": "red", "voided": "red", "bad": "red",
}  # fmt: skip


def console() -> Console:
    """Return a console on standard output as it is now; a test may have replaced it."""
    return Console(width=None if sys.stdout.isatty() else _PIPE_COLUMNS, highlight=False)


def print_json(words: Any) -> None:
    """Print one JSON document on a line of its own."""
    from orders.render import to_json

    sys.stdout.write(to_json(words).decode() + "\n")
    sys.stdout.flush()


def print_line(text: str) -> None:
    """Print a line as it is, whatever brackets are in it."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def print_table(columns: Sequence[str], rows: Iterable[Sequence[Any]], *, title: str | None = None) -> None:
    """Print a table; words that are a status get its colour."""
    table = Table(
        title=title,
        title_justify="left",
        title_style="bold",
        show_header=any(columns),
        box=None,
        pad_edge=False,
        padding=(0, 2, 0, 0),
    )
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*(cell(value) for value in row))
    console().print(table)


def cell(value: Any) -> Text:
    """Return the value as text of a table."""
    words = "" if value is None else str(value)
    return Text(words, style=_COLOURS.get(words, ""))


def counted(count: int, noun: str) -> str:
    """Return a number of things in words: `1 request`, `2 requests`."""
    return f"{count} {noun}{'' if count == 1 else 's'}"


def print_facts(facts: Iterable[tuple[str, Any]]) -> None:
    """Print names and values, one a line."""
    print_table(("", ""), facts)
