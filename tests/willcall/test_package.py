"""What other programs install: a small distribution, beside whatever they have themselves."""

import ast
import os
import subprocess
import sys
import tomllib
import zipfile
from importlib import metadata, util
from pathlib import Path
from typing import get_args

import pytest
from packaging.requirements import Requirement
from sqlalchemy import Engine

import willcall
from schemas.events import EventType
from tests.brokers import Broker
from tests.factories import load, scalar
from tests.processes import PATIENCE_SECONDS, ROOT, wait_until

_MAY_IMPORT = ("willcall", "kombu", "amqp", "redis", "orjson", "nacl")

_SCRIPT = """
import db, schemas  # the program's own
from willcall import Producer, __version__

order = {
    "event_id": "concert",
    "buyer": {"first_name": "Sam", "last_name": "Peter", "email": "sam@example.com"},
    "line_items": [{"ticket_class_id": "standing", "quantity": 2}],
}
with Producer() as producer:
    [request_id] = producer.send([order], tenant="demo")
print(request_id)
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    done = subprocess.run(
        command, cwd=ROOT / "deploy" / "client", capture_output=True, text=True, timeout=PATIENCE_SECONDS
    )
    assert done.returncode == 0, done.stdout + done.stderr
    [built] = folder.glob("*.whl")
    return built


def _requirements(name: str, found: set[str]) -> set[str]:
    """Return the distribution and all that it requires, with what kombu needs for Redis."""
    if name in found:
        return found
    found.add(name)
    for requirement in map(Requirement, metadata.requires(name) or ()):
        is_needed = requirement.marker is None or requirement.marker.evaluate({"extra": "redis"})
        if is_needed:
            _requirements(requirement.name, found)
    return found


@pytest.fixture(scope="module")
def environment(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the Python of an environment that has the wheel and what it requires, and nothing else."""
    folder = tmp_path_factory.mktemp("environment")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    [site] = folder.glob("lib/python*/site-packages")
    zipfile.ZipFile(wheel).extractall(site)
    for name in _requirements("kombu", set()) | _requirements("redis", set()):
        for file in metadata.files(name) or ():
            top = file.parts[0]
            source = Path(str(metadata.distribution(name).locate_file(top)))
            if top != ".." and source.exists() and not (site / top).exists():
                (site / top).symlink_to(source)
    return folder / "bin" / "python"


def test_a_program_with_folders_of_the_same_names_sends_an_order(
    environment: Path, broker: Broker, engine: Engine, tmp_path: Path
) -> None:
    load(engine)
    for name in ("db", "schemas", "orders", "tasks"):
        (tmp_path / "program" / name).mkdir(parents=True)
        (tmp_path / "program" / name / "__init__.py").write_text("")
    variables = {"PATH": os.environ["PATH"], "WILLCALL_BROKER_URL": broker.url}

    done = subprocess.run(
        [environment, "-c", _SCRIPT],
        cwd=tmp_path / "program",
        env=variables,
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
    )

    assert done.returncode == 0, done.stderr
    broker.worker()
    query = "SELECT count(*) FROM requests WHERE status = 'processed' AND CAST(id AS text) = :id"
    wait_until(lambda: scalar(engine, query, id=done.stdout.strip()) == 1, what="the order")


def test_without_a_broker_it_says_what_to_do(environment: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        [environment, "-c", "from willcall import Producer; Producer()"],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
    )

    assert "There is no broker. Pass its URL, or set WILLCALL_BROKER_URL." in done.stderr


def test_the_wheel_holds_the_package_and_its_types(wheel: Path) -> None:
    names = {Path(name).parts[0] for name in zipfile.ZipFile(wheel).namelist()}

    assert names == {"willcall", f"willcall_client-{willcall.__version__}.dist-info"}
    assert "willcall/py.typed" in zipfile.ZipFile(wheel).namelist()


@pytest.mark.parametrize("file", sorted((ROOT / "willcall").glob("*.py")), ids=lambda file: file.name)
def test_it_imports_nothing_with_a_generic_name(file: Path) -> None:
    for node in ast.walk(ast.parse(file.read_text())):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        for name in names:
            top = name.partition(".")[0]
            assert top in _MAY_IMPORT or top in sys.stdlib_module_names, name


def test_versions_and_names_are_the_same_everywhere() -> None:
    for file in ("pyproject.toml", "deploy/client/pyproject.toml"):
        project = tomllib.loads((ROOT / file).read_text())["project"]
        assert project["version"] == willcall.__version__, file
    assert get_args(EventType) == willcall.EVENT_TYPES
    assert util.find_spec("willcall") is not None
