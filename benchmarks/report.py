"""The table at the end: for people, for programs, and for the page of results."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.table import Table

from benchmarks.results import Figure, Row

PAGE: Final = Path(__file__).with_name("README.md")

_BEGIN: Final = "<!-- results: written by `python -m benchmarks --write` -->\n"
_END: Final = "<!-- end of results -->\n"

_COLUMNS: Final = ("measure", "baseline", "ours", "ratio", "target", "met?", "note")


def print_table(console: Console, rows: Sequence[Row]) -> None:
    """Print the rows; what missed its target is red."""
    table = Table(title="Benchmarks: median (min–max)", title_justify="left", pad_edge=False, box=None)
    for column in _COLUMNS:
        table.add_column(column, overflow="fold", no_wrap=column in ("target", "met?"))
    for row in rows:
        style = {True: "green", False: "red", None: "yellow"}[row.is_met]
        *cells, met, note = _cells(row)
        table.add_row(*cells, f"[{style}]{met}[/]", note)
    console.print(table)


def _cells(row: Row) -> list[str]:
    met = {True: "yes", False: "no", None: "—"}[row.is_met]
    figures = (row.baseline, row.ours, row.ratio)
    return [row.measure, *map(_figure, figures), str(row.target), met, row.note]


def _figure(figure: Figure | None) -> str:
    if figure is None:
        return "—"
    spread = ""
    if len(figure.runs) > 1:
        spread = f" ({_number(min(figure.runs))}–{_number(max(figure.runs))})"
    space = "" if figure.unit in ("×", "") else " "
    return f"{_number(figure.median)}{space}{figure.unit}{spread}"


def _number(value: float) -> str:
    """Return three digits that matter, or all of a larger whole number."""
    if value == 0 or abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.2f}" if abs(value) < 10 else f"{value:.1f}"


def words(rows: Sequence[Row], machine: Sequence[tuple[str, str]], is_quick: bool) -> dict[str, Any]:
    """Return everything for JSON."""
    return {"quick": is_quick, "machine": dict(machine), "rows": [row.words() for row in rows]}


def write_page(
    rows: Sequence[Row], machine: Sequence[tuple[str, str]], title: str, page: Path = PAGE
) -> None:
    """Replace the results on the page; the rest of it stays as it is."""
    text = page.read_text(encoding="utf-8")
    before, _, rest = text.partition(_BEGIN)
    _, _, after = rest.partition(_END)
    lines = [
        title,
        "",
        *_markdown(_COLUMNS, [_cells(row) for row in rows]),
        "",
        *_markdown(("machine", ""), machine),
    ]
    page.write_text(before + _BEGIN + "\n" + "\n".join(lines) + "\n\n" + _END + after, encoding="utf-8")


def _markdown(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    return [_line(columns), _line(["---"] * len(columns)), *map(_line, rows)]


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
