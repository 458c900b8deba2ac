"""Processes that are told to stop while they still start: they end at once, and with a code that says so."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.intake.cli.conftest import environment
from tests.processes import PATIENCE_SECONDS, ROOT
from tests.rabbitmq import free_port

# Runs `willcall …`, and sends itself a signal when it begins to import a module.
PROGRAM = """
import os, signal, sys

number, module = int(sys.argv[1]), sys.argv[2]
sys.argv[1:] = sys.argv[3:]


def look(frame, event, argument):
    if frame.f_code.co_name == "<module>" and frame.f_globals.get("__name__") == module:
        sys.setprofile(None)
        os.kill(os.getpid(), number)


signal.signal(signal.SIGINT, signal.SIG_IGN)  # as what a shell's script starts in the background
sys.setprofile(look)
from intake.cli.main import main

main()
"""


@pytest.mark.parametrize(("how", "early"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
@pytest.mark.parametrize(
    ("process", "module"),
    [
        ("beat", "worker.app"),
        ("beat", "celery.apps.beat"),
        ("beat", "celery.app.amqp"),  # beat has begun, and makes its schedule
        ("worker", "worker.app"),
        ("worker", "worker.broker.redis.source"),
        ("relay", "celery.apps.worker"),
        ("flower", "flower.app"),
        ("intake", "intake.server"),
        ("intake", "uvicorn.protocols.http.httptools_impl"),  # it is about to listen
    ],
)
def test_a_process_that_is_told_to_stop_while_it_starts_ends_well(
    home: Path, tmp_path: Path, process: str, module: str, how: signal.Signals, early: int
) -> None:
    doors = {"WILLCALL_INTAKE_PORT": free_port(), "WILLCALL_FLOWER_PORT": free_port()}
    ran = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(int(how)), module, "serve", process],
        cwd=tmp_path,
        env=environment(WILLCALL_HOME=home, **doors) | {"PYTHONPATH": os.fspath(ROOT)},
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
    )

    # By the signal until it has handlers of its own, and well from then on.
    assert ran.returncode in (early, 0), ran.stderr
    assert "Traceback" not in ran.stderr
