"""Who imports whom, and how long the longest chain is."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from graphlib import CycleError, TopologicalSorter

from tools.shape.modules import Module

Graph = Mapping[str, frozenset[str]]
"""The modules by name, each with those that it imports."""


def graph_of(modules: Sequence[Module], *, with_later: bool) -> Graph:
    """Return who imports whom among these modules; with `with_later` also in functions and for types."""
    known = {module.name for module in modules}
    return {
        module.name: _known(module.imports_first | (module.imports_later if with_later else set()), known)
        - {module.name}
        for module in modules
    }


def most_imported(graph: Graph, top: int) -> Sequence[tuple[str, int]]:
    """Return the modules that most modules import (fan-in)."""
    return _most(Counter(name for imported in graph.values() for name in imported), top)


def most_importing(graph: Graph, top: int) -> Sequence[tuple[str, int]]:
    """Return the modules that import most modules (fan-out)."""
    return _most(Counter({name: len(imported) for name, imported in graph.items()}), top)


def longest_chain(graph: Graph) -> Sequence[str]:
    """Return the longest path of modules of which each imports the next; none where there is a cycle."""
    if cycle(graph):
        return []
    chains: dict[str, list[str]] = {}
    for name in TopologicalSorter(graph).static_order():  # imported modules come first
        after = max((chains[one] for one in sorted(graph[name])), key=len, default=[])
        chains[name] = [name, *after]
    return max((chains[name] for name in sorted(chains)), key=len, default=[])


def cycle(graph: Graph) -> Sequence[str]:
    """Return modules of which each imports the next and the last is the first, or none."""
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        found: list[str] = error.args[1]
        return found[::-1]  # graphlib names imported modules first
    return []


def _known(imported: Iterable[str], known: set[str]) -> frozenset[str]:
    """Return the modules: of `a.b.c` it is `a.b` where `c` is something in it."""
    either = ((name, name.rpartition(".")[0]) for name in imported)
    return frozenset(next((one for one in names if one in known), "") for names in either) - {""}


def _most(counts: Counter[str], top: int) -> Sequence[tuple[str, int]]:
    return sorted(counts.items(), key=lambda it: (-it[1], it[0]))[:top]
