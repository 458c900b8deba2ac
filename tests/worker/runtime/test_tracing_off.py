"""Where tracing is off, nothing of OpenTelemetry is imported; where it is on, it has to be installed."""

import os
import subprocess
import sys
from typing import Final

import pytest

from tests.processes import PATIENCE_SECONDS, ROOT

_WORKER: Final = """
import tasks.maintenance, tasks.orders, tasks.relay, willcall, worker.app
from worker.runtime.settings import get_settings

worker.app._on_worker_init()
"""
# FastAPI itself imports the interface, which does nothing without what is looked for here.
_INTAKE: Final = """
from intake.server import IntakeServer
from worker.runtime.settings import get_settings
from worker.runtime.tracing import set_up_tracing

set_up_tracing(get_settings(), "willcall-intake")
IntakeServer(get_settings())
"""
_NAMES: Final = """
import sys

print(*sorted(name for name in sys.modules if name.split(".")[0] in ("opentelemetry", "google", "requests")))
"""
_NOT_INSTALLED: Final = """
import sys

class NotInstalled:
    def find_spec(self, name, path=None, target=None):
        if name.startswith("opentelemetry.exporter"):
            raise ModuleNotFoundError(name)

sys.meta_path.insert(0, NotInstalled())
from worker.runtime.settings import get_settings

get_settings()
"""


def _python(code: str, **variables: str) -> "subprocess.CompletedProcess[str]":
    environment = {name: value for name, value in os.environ.items() if name != "WILLCALL_TRACING"}
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env=environment | variables,
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
    )


def test_a_worker_without_tracing_imports_nothing_of_it() -> None:
    off, on = (_python(_WORKER + _NAMES, WILLCALL_TRACING=tracing) for tracing in ("off", "otlp"))

    assert (off.returncode, off.stdout.split()) == (0, []), off.stderr
    assert "opentelemetry.sdk.trace" in on.stdout.split(), on.stderr


def test_an_intake_without_tracing_imports_nothing_that_sends_spans() -> None:
    off, on = (_python(_INTAKE + _NAMES, WILLCALL_TRACING=tracing) for tracing in ("off", "otlp"))

    loaded = off.stdout.split()
    assert off.returncode == 0, off.stderr
    assert not [name for name in loaded if name.startswith(("opentelemetry.sdk", "opentelemetry.exporter"))]
    assert "opentelemetry.sdk.trace" in on.stdout.split(), on.stderr


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        ("otlp", "needs OpenTelemetry's exporter; install it with pip install 'willcall[tracing]'"),
        ("jaeger", "String should match pattern '^(off|otlp)$'"),
    ],
)
def test_a_process_that_cannot_trace_says_why_and_stops(value: str, sentence: str) -> None:
    ran = _python(_NOT_INSTALLED, WILLCALL_TRACING=value)

    assert ran.returncode == 2
    assert ran.stderr == f"willcall: the setting WILLCALL_TRACING is wrong: {sentence}\n"


def test_without_what_sends_spans_a_process_works_as_long_as_tracing_is_off() -> None:
    assert _python(_NOT_INSTALLED).returncode == 0
