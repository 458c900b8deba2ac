"""The decisions know neither a database nor a broker."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import orders

_ROOT = Path(orders.__file__).parent
_PURE = ("creating", "changing", "holding", "money")

FILES = [
    *(file for folder in _PURE for file in sorted((_ROOT / folder).glob("*.py"))),
    *(
        _ROOT / name
        for name in (
            "world.py",
            "journal.py",
            "state.py",
            "order_change.py",
            "steps/decide.py",
            "running_hold.py",
        )
    ),
    _ROOT / "inventory" / "stock.py",
    _ROOT / "inventory" / "seating.py",
]


def _imported(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(_ROOT)))
def test_a_decision_imports_neither_a_database_nor_a_broker(file: Path) -> None:
    found = set(_imported(file))

    outside = {name.split(".")[0] for name in found}
    assert not outside & {"sqlalchemy", "psycopg", "celery", "kombu", "tasks", "intake", "worker"}
    # Keys that sort by time are made in memory.
    assert {name for name in found if name.split(".")[0] == "db"} <= {"db.ids"}
