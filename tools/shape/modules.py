"""What is read of each file: its lines, its functions, and what it imports."""

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Function:
    """A function, or a method."""

    name: str
    """With the classes and functions that it stands in: `Shop.open`."""
    line: int
    lines: int
    """From `def` to its end, with its docstring and without decorators."""


@dataclass(frozen=True)
class Module:
    """A file."""

    path: str
    """From the root, with slashes."""
    name: str
    """As it is imported; a package has that of its folder."""
    lines: int
    functions: Sequence[Function]
    imports_first: frozenset[str]
    """What it imports when it is imported: `a.b` for `import a.b`, and `a.b.c` for `from a.b import c`."""
    imports_later: frozenset[str]
    """What it imports in functions, or for types only."""

    @property
    def folder(self) -> str:
        return self.path.rpartition("/")[0]


def read_modules(root: Path, folders: Sequence[str]) -> Sequence[Module]:
    """Return the modules of these folders of the root, in order of their paths."""
    paths = sorted(path for folder in folders for path in (root / folder).rglob("*.py"))
    return [read_module(root, path) for path in paths]


def read_module(root: Path, path: Path) -> Module:
    relative = path.relative_to(root)
    text = path.read_text()
    tree = ast.parse(text, str(relative))
    package = relative.parent.parts
    first = frozenset(_imports(tree, package, is_first=True))
    return Module(
        path=relative.as_posix(),
        name=".".join(package if path.stem == "__init__" else (*package, path.stem)),
        lines=len(text.splitlines()),
        functions=list(_functions(tree, "")),
        imports_first=first,
        imports_later=frozenset(_imports(tree, package, is_first=False)) - first,
    )


def _functions(node: ast.AST, prefix: str) -> Iterator[Function]:
    for child in ast.iter_child_nodes(node):
        inner = prefix
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            inner = f"{prefix}{child.name}."
            if not isinstance(child, ast.ClassDef):
                lines = (child.end_lineno or child.lineno) - child.lineno + 1
                yield Function(inner[:-1], child.lineno, lines)
        yield from _functions(child, inner)


def _imports(node: ast.AST, package: Sequence[str], *, is_first: bool) -> Iterator[str]:
    """Yield the imported modules; with `is_first` without imports in functions or for types only."""
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        # One dot is the package itself, each further one the package around it.
        around = package[: len(package) - node.level + 1] if node.level else ()
        base = ".".join([*around, *([node.module] if node.module else [])])
        yield from (f"{base}.{alias.name}" for alias in node.names)
    elif is_first and isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        return
    elif is_first and isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
        for statement in node.orelse:
            yield from _imports(statement, package, is_first=is_first)
    else:
        for child in ast.iter_child_nodes(node):
            yield from _imports(child, package, is_first=is_first)
