"""The shape of a small tree is what its files say."""

import json
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from tests.processes import ROOT
from tools.shape.modules import read_modules
from tools.shape.report import as_text, report

_TREE = {
    "low/__init__.py": "",
    "low/words.py": "def say():\n    return 1\n",
    "low/deep/words.py": "from ..words import say\n",
    "high/__init__.py": "from high.top import Top\n",
    "high/top.py": """
from typing import TYPE_CHECKING
import low.deep.words
if TYPE_CHECKING:
    from high import later

class Top:
    @property
    def it(self):
        def inner():
            pass
        return inner
    async def wait(self):
        from high import later
""",
    "high/later.py": "from high import top\nfrom os import path\n",
}


@pytest.fixture
def found(tmp_path: Path) -> dict[str, Any]:
    for name, text in _TREE.items():
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return report(read_modules(tmp_path, ["low", "high"]), [], depth=1, top=3)


def test_folders_count_what_is_in_them(found: dict[str, Any]) -> None:
    high, low = found["folders"]
    assert (high["name"], low["name"]) == ("high", "low")
    assert high["files"] == {"count": 3, "lines": 17, "median": 2, "p90": 14, "most": 14}
    assert high["functions"] == {"count": 3, "lines": 8, "median": 2, "p90": 4, "most": 4}
    assert (low["files"]["count"], low["files"]["lines"]) == (3, 3)
    assert found["source"]["files"]["lines"] == 20


def test_the_longest_are_named_with_their_places(found: dict[str, Any]) -> None:
    assert found["longest_files"][0] == {"path": "high/top.py", "lines": 14}
    assert found["longest_functions"] == [
        {"path": "high/top.py:9", "function": "Top.it", "lines": 4},
        {"path": "high/top.py:10", "function": "Top.it.inner", "lines": 2},
        {"path": "high/top.py:13", "function": "Top.wait", "lines": 2},
    ]


def test_a_chain_follows_what_is_imported_at_once(found: dict[str, Any]) -> None:
    # `high.top` imports `high.later` in a function and for types: no cycle.
    assert found["cycle"] == []
    assert found["longest_chain"] == ["high", "high.top", "low.deep.words", "low.words"]


def test_fans_count_every_import_among_the_modules(found: dict[str, Any]) -> None:
    assert found["fan_in"][0] == {"module": "high.top", "modules": 2}
    assert found["fan_out"][0] == {"module": "high.top", "modules": 2}


def test_a_cycle_is_shown_instead_of_a_chain(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    for one, other in (("b", "c"), ("c", "d"), ("d", "b")):
        (tmp_path / f"a/{one}.py").write_text(f"import a.{other}\n")
    found = report(read_modules(tmp_path, ["a"]), [], depth=1, top=3)
    cycle = found["cycle"]
    assert found["longest_chain"] == []
    assert len(cycle) == 4
    assert {"a.b": "a.c", "a.c": "a.d", "a.d": "a.b"}.items() >= set(pairwise(cycle))
    assert "A cycle of imports" in as_text(found, 3)


def test_names_of_several_modules_are_told(found: dict[str, Any]) -> None:
    assert found["names_used_twice"] == [
        {"name": "words.py", "paths": ["low/deep/words.py", "low/words.py"]},
    ]


def test_people_see_the_same_numbers(found: dict[str, Any]) -> None:
    text = as_text(found, 3)
    assert "  high/top.py:9   Top.it            4\n" in text
    assert "Longest chain of imports: 4 modules\n  high\n  high.top\n" in text


def test_the_command_measures_this_repository() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tools.shape", "--json", "--top", "1"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    found = json.loads(done.stdout)
    assert {"db/tables", "intake/cli", "orders/steps", "tests/db", "tools/shape"} <= {
        folder["name"] for folder in found["folders"]
    }
    assert found["cycle"] == []
    assert len(found["longest_chain"]) > 1
    assert len(found["fan_in"]) == len(found["longest_files"]) == 1
