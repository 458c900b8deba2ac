"""`willcall catalog`."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from intake.cli.catalogue_files import read_catalogue
from intake.cli.failures import CommandFailed
from intake.cli.output import JsonFlag, print_json, print_table

app = typer.Typer(help="What is sold: events, ticket classes, seats, tax rules, promo codes.")


@app.callback()
def _group() -> None:
    """Keep this a group although it has only one command."""


@app.command(epilog="Example: willcall catalog load catalogue.yaml")
def load(
    files: Annotated[list[str], typer.Argument(metavar="FILE…", help="YAML or JSON; - is standard input.")],
    as_json: JsonFlag = False,
) -> None:
    """Load catalogue files while sales go on. Existing entries stay; loading twice changes nothing.

    All files are checked before the first is loaded. Repeat an interrupted load to complete it.
    """
    from datetime import UTC, datetime

    from intake.cli.processes.servers import engine
    from intake.cli.progress import progress_bar
    from orders.catalogue.loading import CatalogueConflict, check_catalogue, load_catalogue

    catalogues = [(name, read_catalogue(name, _text(name))) for name in files]
    rows: list[tuple[str, str, int, int, int]] = []
    with engine() as opened, progress_bar("comparing", 0) as (progress, bar):

        def show(what: str, done: int, total: int) -> None:
            progress.update(bar, description=what, completed=done, total=total)

        now = datetime.now(UTC)
        for name, catalogue in catalogues if len(catalogues) > 1 else ():
            with _of_file(name, rows, CatalogueConflict):
                check_catalogue(opened, catalogue, now=now)
        for name, catalogue in catalogues:
            with _of_file(name, rows, CatalogueConflict):
                loaded = load_catalogue(opened, catalogue, now=now, report=show)
            rows.append((name, catalogue.tenant, loaded.created, loaded.updated, loaded.unchanged))
    _show(rows, as_json)


@contextmanager
def _of_file(name: str, loaded: Sequence[Sequence[Any]], conflict: type[Exception]) -> Iterator[None]:
    """Name the file of a conflict and, after any failure, the files that were loaded."""
    try:
        yield
    except Exception as error:
        if loaded:
            error.add_note(f"Loaded before: {', '.join(row[0] for row in loaded)}.")
        if not isinstance(error, conflict):
            raise
        failed = CommandFailed("\n".join(f"{name}: {line}" for line in str(error).splitlines()))
        for note in getattr(error, "__notes__", ()):
            failed.add_note(note)
        raise failed from error


def _text(name: str) -> bytes:
    return sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()


def _show(rows: Sequence[tuple[str, str, int, int, int]], as_json: bool) -> None:
    columns = ("file", "tenant", "created", "updated", "unchanged")
    if as_json:
        print_json([dict(zip(columns, row, strict=True)) for row in rows])
    else:
        print_table(columns, rows)
