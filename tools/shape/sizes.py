"""How large files and functions are, by folder."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from tools.shape.modules import Module


@dataclass(frozen=True)
class Lines:
    """How many there are, and their lines: nine of ten have at most `p90`."""

    count: int
    lines: int
    median: float
    p90: int
    most: int


@dataclass(frozen=True)
class Folder:
    """The files of a folder, and their functions."""

    name: str
    files: Lines
    functions: Lines


def lines_of(lengths: Iterable[int]) -> Lines:
    ordered = sorted(lengths)
    if not ordered:
        return Lines(0, 0, 0, 0, 0)
    # The smallest length that nine of ten do not exceed.
    p90 = ordered[-(-9 * len(ordered) // 10) - 1]
    return Lines(len(ordered), sum(ordered), median(ordered), p90, ordered[-1])


def folders_of(modules: Sequence[Module], depth: int) -> Sequence[Folder]:
    """Return the folders in order of their names; deeper ones count for the one above."""
    found: Mapping[str, list[Module]] = defaultdict(list)
    for module in modules:
        found["/".join(module.folder.split("/")[:depth])].append(module)
    return [measure(name, found[name]) for name in sorted(found)]


def measure(name: str, modules: Sequence[Module]) -> Folder:
    files = lines_of(module.lines for module in modules)
    return Folder(name, files, lines_of(one.lines for module in modules for one in module.functions))


def longest_files(modules: Sequence[Module], top: int) -> Sequence[tuple[str, int]]:
    """Return the path and the lines of each."""
    return sorted(((one.path, one.lines) for one in modules), key=lambda it: (-it[1], it[0]))[:top]


def longest_functions(modules: Sequence[Module], top: int) -> Sequence[tuple[str, str, int]]:
    """Return the path with the line, the name, and the lines of each."""
    found = [(f"{one.path}:{it.line}", it.name, it.lines) for one in modules for it in one.functions]
    return sorted(found, key=lambda it: (-it[2], it[0]))[:top]


def names_used_twice(modules: Sequence[Module]) -> Mapping[str, Sequence[str]]:
    """Return the names of modules that several folders have, most used first, each with the paths."""
    found: Mapping[str, list[str]] = defaultdict(list)
    for module in modules:
        if not module.path.endswith("__init__.py"):
            found[module.path.rpartition("/")[2]].append(module.path)
    twice = sorted(((-len(paths), name) for name, paths in found.items() if len(paths) > 1))
    return {name: found[name] for _, name in twice}
