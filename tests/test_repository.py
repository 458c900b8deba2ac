"""What people expect of a repository, and find to be true."""

import re
import tomllib

import pytest
import yaml

from intake.cli.main import run
from tests.processes import ROOT

_CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text()
_TARGETS = set(re.findall(r"^([a-z-]+):.*## ", (ROOT / "Makefile").read_text(), re.MULTILINE))


def test_the_version_is_that_of_the_package(capsys: pytest.CaptureFixture[str]) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert run(["--version"]) == 0
    assert capsys.readouterr().out == f"willcall {project['version']}\n"


def test_contributors_are_told_of_targets_that_there_are() -> None:
    named = set(re.findall(r"`make ([a-z-]+)`", _CONTRIBUTING))
    assert named
    assert named <= _TARGETS


def test_contributors_are_told_of_files_that_there_are() -> None:
    named = set(re.findall(r"`([a-z]+/[a-z_/]*(?:\.py)?)`", _CONTRIBUTING))
    assert named
    assert [name for name in sorted(named) if not (ROOT / name).exists()] == []


def test_ci_tries_every_python_that_is_supported() -> None:
    [job] = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text())["jobs"].values()
    assert job["strategy"]["matrix"]["python"] == ["3.11", "3.12", "3.13", "3.14"]
    assert {"run": ".ci/run"} in job["steps"]


def test_hooks_check_what_lint_checks() -> None:
    [repository] = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]
    hooks = {hook["entry"].split()[0] for hook in repository["hooks"]}
    lint = re.search(r"^lint:.*\n((?:\t.*\n)+)", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert lint is not None
    assert hooks == set(re.findall(r"\.venv/bin/[a-z-]+", lint[1]))
