"""The commands of the quickstart exist, and its catalogue can be loaded."""

import re
import shlex
from pathlib import Path

import pytest
from typer.testing import CliRunner

from intake.cli.catalogue_files import read_catalogue
from intake.cli.main import app

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/quickstart.md").read_text()
SHELL = "".join(re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL))
COMMANDS = sorted(set(re.findall(r"\bwillcall ([^|)\n]+)", SHELL)))


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
    found = re.search(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    assert found is not None
    assert read_catalogue("catalogue.yaml", found[1].encode()).tenant == "quickstart"
