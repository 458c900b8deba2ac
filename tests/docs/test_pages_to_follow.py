"""The commands of the quickstart and of the how-to pages exist, and their examples can be read."""

import ast
import re
import shlex
from pathlib import Path

import pytest
from typer.testing import CliRunner

from intake.cli.catalogue_files import read_catalogue
from intake.cli.main import app

ROOT = Path(__file__).parents[2]
QUICKSTART = ROOT / "docs/quickstart.md"
PAGES = {path.name: path.read_text() for path in (QUICKSTART, *sorted((ROOT / "docs/how-to").glob("*.md")))}
SHELL = "".join(re.findall(r"```sh\n(.*?)```", "".join(PAGES.values()), re.DOTALL))
COMMANDS = sorted({found.strip() for found in re.findall(r"\bwillcall ([a-z][^|)\n#]+)", SHELL)})
PYTHON = [
    pytest.param(example, id=name)
    for name, page in PAGES.items()
    for example in re.findall(r"```python\n(.*?)```", page, re.DOTALL)
]


@pytest.mark.parametrize("command", COMMANDS)
def test_command_exists_with_its_options(command: str) -> None:
    words = [word for word in shlex.split(command) if word != "--help"]
    ran = CliRunner().invoke(app, [*words, "--help"])
    assert ran.exit_code == 0, ran.output
    assert "Usage: " in ran.output


def test_make_targets_exist() -> None:
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert set(re.findall(r"\bmake ([a-z-]+)", SHELL)) <= set(targets)


def test_catalogue_can_be_loaded() -> None:
    found = re.search(r"```yaml\n(.*?)```", PAGES[QUICKSTART.name], re.DOTALL)
    assert found is not None
    assert read_catalogue("catalogue.yaml", found[1].encode()).tenant == "quickstart"


@pytest.mark.parametrize("example", PYTHON)
def test_what_an_example_imports_exists(example: str) -> None:
    imports: list[ast.stmt] = [
        node for node in ast.walk(ast.parse(example)) if isinstance(node, ast.Import | ast.ImportFrom)
    ]
    assert imports
    exec(compile(ast.Module(imports, []), "example", "exec"), {})
