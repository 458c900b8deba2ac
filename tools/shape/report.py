"""All that is measured, as an object for programs and as tables for people."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any

from tools.shape.imports import cycle, graph_of, longest_chain, most_imported, most_importing
from tools.shape.modules import Module
from tools.shape.sizes import folders_of, longest_files, longest_functions, measure, names_used_twice


def report(source: Sequence[Module], rest: Sequence[Module], *, depth: int, top: int) -> dict[str, Any]:
    """Measure the source, and of the rest, such as tests, only the sizes of its folders."""
    every = graph_of(source, with_later=True)
    first = graph_of(source, with_later=False)
    return {
        "source": asdict(measure("source", source)),
        "folders": [asdict(folder) for folder in folders_of([*source, *rest], depth)],
        "longest_files": [{"path": path, "lines": lines} for path, lines in longest_files(source, top)],
        "longest_functions": [
            {"path": path, "function": name, "lines": lines}
            for path, name, lines in longest_functions(source, top)
        ],
        "longest_chain": longest_chain(first),
        "cycle": cycle(first),
        "fan_in": [{"module": name, "modules": count} for name, count in most_imported(every, top)],
        "fan_out": [{"module": name, "modules": count} for name, count in most_importing(every, top)],
        "names_used_twice": [
            {"name": name, "paths": paths} for name, paths in names_used_twice(source).items()
        ],
    }


def as_text(found: dict[str, Any], top: int) -> str:
    return "\n\n".join(_sections(found, top)) + "\n"


def _sections(found: dict[str, Any], top: int) -> Iterable[str]:
    yield _table(
        "Folders: files and functions, with their lines",
        ["folder", "files", "lines", "median", "p90", "most", "functions", "median", "p90", "most"],
        [_folder(one) for one in (*found["folders"], found["source"])],
    )
    yield _table("Longest files", ["file", "lines"], _values(found["longest_files"]))
    yield _table("Longest functions", ["file", "function", "lines"], _values(found["longest_functions"]))
    yield _table("Imported by most (fan-in)", ["module", "modules"], _values(found["fan_in"]))
    yield _table("Importing most (fan-out)", ["module", "modules"], _values(found["fan_out"]))
    chain = found["longest_chain"]
    yield f"Longest chain of imports: {len(chain)} modules\n  " + "\n  ".join(chain)
    if found["cycle"]:
        yield "A cycle of imports, so no chain is the longest\n  " + "\n  ".join(found["cycle"])
    twice = found["names_used_twice"]
    yield _table(
        f"Names of several modules: {len(twice)}",
        ["name", "modules", "the first"],
        [[one["name"], len(one["paths"]), one["paths"][0]] for one in twice[:top]],
    )


def _folder(one: dict[str, Any]) -> Sequence[object]:
    files, functions = one["files"], one["functions"]
    return [one["name"], *files.values(), *(functions[key] for key in ("count", "median", "p90", "most"))]


def _values(rows: Iterable[dict[str, Any]]) -> Sequence[Sequence[object]]:
    return [list(row.values()) for row in rows]


def _table(title: str, head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Return the rows below each other, numbers to the right."""
    texts = [head, *([_text(value) for value in row] for row in rows)]
    widths = [max(len(row[index]) for row in texts) for index in range(len(head))]
    is_number = [all(isinstance(row[index], int | float) for row in rows) for index in range(len(head))]
    lines = [
        "  ".join(
            text.rjust(width) if right else text.ljust(width)
            for text, width, right in zip(row, widths, is_number, strict=True)
        ).rstrip()
        for row in texts
    ]
    return "\n".join([title, *(f"  {line}" for line in lines)])


def _text(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
