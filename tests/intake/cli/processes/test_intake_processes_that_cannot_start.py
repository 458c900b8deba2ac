"""Several intake processes that cannot start: each reason is a sentence."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.intake.cli.conftest import WILLCALL, environment
from tests.intake.cli.processes.doors import variables_of
from tests.intakes import Intake
from tests.processes import PATIENCE_SECONDS
from tests.rabbitmq import free_port

pytestmark = pytest.mark.xdist_group("serving")


@pytest.fixture
def serve(tmp_path: Path) -> Callable[..., "subprocess.CompletedProcess[str]"]:
    """Runs two processes that should not come so far."""

    def run(**variables: object) -> "subprocess.CompletedProcess[str]":
        usual = {
            "WILLCALL_HOME": tmp_path / "home",
            "WILLCALL_INTAKE_PORT": free_port(),
            "WILLCALL_INTAKE_PROCESSES": 2,
        }
        return subprocess.run(
            [WILLCALL, "serve", "intake"],
            env=environment(**usual | variables),
            capture_output=True,
            text=True,
            timeout=PATIENCE_SECONDS,
        )

    return run


@pytest.mark.parametrize("setting", ["WILLCALL_INTAKE_PORT", "WILLCALL_INTAKE_METRICS_PORT"])
def test_a_port_that_is_taken_is_a_sentence(
    tmp_path: Path, taken: int, setting: str, serve: Callable[..., "subprocess.CompletedProcess[str]"]
) -> None:
    ran = serve(**{setting: taken})

    assert (ran.returncode, ran.stdout) == (1, "")
    assert f"port {taken} of 127.0.0.1 is taken: stop what listens there, or set {setting}" in ran.stderr
    assert ran.stderr.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_settings_that_are_wrong_are_a_sentence(
    tmp_path: Path, serve: Callable[..., "subprocess.CompletedProcess[str]"]
) -> None:
    ran = serve(WILLCALL_INTAKE_PROCESSES=0)

    assert (ran.returncode, ran.stdout) == (2, "")
    assert ran.stderr.startswith("willcall: the setting WILLCALL_INTAKE_PROCESSES is wrong")
    assert ran.stderr.count("\n") == 1


def test_all_ends_when_the_processes_cannot_start(
    intake: Intake, tmp_path: Path, serve: Callable[..., "subprocess.CompletedProcess[str]"]
) -> None:
    # What only they import, and only there it is found out.
    (tmp_path / "uvicorn.py").write_text("raise SystemExit(7)")

    ran = serve(**variables_of(intake, free_port()), PYTHONPATH=tmp_path)

    assert ran.returncode == 7
    assert "started again" not in ran.stderr
