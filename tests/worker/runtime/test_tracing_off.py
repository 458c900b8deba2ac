"""Where tracing is off, nothing that makes spans is imported; where it is on, it has to be installed."""

import os
import subprocess
import sys
from typing import Final

import pytest

from tests.processes import PATIENCE_SECONDS, ROOT

_WORKER: Final = """
from types import SimpleNamespace
import tasks.maintenance, tasks.orders, tasks.relay, willcall, worker.app

worker.app._on_worker_init(SimpleNamespace(app=worker.app.app))
"""
# As Celery does: it passes over what else a receiver raises.
_SEND: Final = "import worker.app; worker.app.worker_init.send(sender=None)"
_INTAKE: Final = """
from intake.server import IntakeServer
from worker.runtime.settings import get_settings
from worker.runtime.tracing import set_up_tracing

set_up_tracing(get_settings(), "willcall-intake")
IntakeServer(get_settings())
"""
_NAMES: Final = """
import sys

print(*sys.modules)
"""
_WITHOUT: Final = """
import sys

class NotInstalled:
    def find_spec(self, name, path=None, target=None):
        if name.startswith("{}"):
            raise ModuleNotFoundError(name)

sys.meta_path.insert(0, NotInstalled())
"""
_EVERYTHING: Final = "opentelemetry"
_EXTRA: Final = "opentelemetry.exporter"
_SETTINGS: Final = "from worker.runtime.settings import get_settings; get_settings()"

# FastAPI imports the interface, and the client of Redis what there is of metrics: neither makes spans.
_OF_SPANS: Final = ("opentelemetry.sdk.trace", "opentelemetry.exporter", "worker.runtime.span")


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


def _loaded(ran: "subprocess.CompletedProcess[str]") -> set[str]:
    assert ran.returncode == 0, ran.stderr
    return {part for name in ran.stdout.split() for part in _OF_SPANS if name.startswith(part)}


def test_a_process_imports_what_makes_spans_only_where_tracing_is_on() -> None:
    assert _loaded(_python(_WORKER + _NAMES, WILLCALL_TRACING="otlp")) == set(_OF_SPANS)
    for process in (_WORKER, _INTAKE):
        assert _loaded(_python(process + _NAMES)) == set()


def test_a_worker_needs_nothing_of_opentelemetry_where_tracing_is_off() -> None:
    ran = _python(_WITHOUT.format(_EVERYTHING) + _WORKER + _NAMES, WILLCALL_TRACING="off")

    assert ran.returncode == 0, ran.stderr
    assert not [name for name in ran.stdout.split() if name.startswith(_EVERYTHING)]


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        ("otlp", "needs OpenTelemetry's exporter; install it with pip install 'willcall[tracing]'"),
        ("jaeger", "String should match pattern '^(off|otlp)$'"),
    ],
)
def test_a_process_that_cannot_trace_says_why_and_stops(value: str, sentence: str) -> None:
    ran = _python(_WITHOUT.format(_EXTRA) + _SETTINGS, WILLCALL_TRACING=value)

    assert ran.returncode == 2
    assert ran.stderr == f"willcall: the setting WILLCALL_TRACING is wrong: {sentence}\n"


@pytest.mark.parametrize("process", [_SEND, _INTAKE])
def test_a_process_whose_variables_of_opentelemetry_are_wrong_says_so_and_stops(process: str) -> None:
    # A group larger than the queue that it is taken from.
    ran = _python(process, WILLCALL_TRACING="otlp", OTEL_BSP_MAX_EXPORT_BATCH_SIZE="4096")

    assert ran.returncode == 1
    assert ran.stderr.startswith("OpenTelemetry does not take the variables OTEL_…: ")
    assert ran.stderr.endswith("Correct them, or set WILLCALL_TRACING=off.\n")


def test_a_process_needs_no_extra_as_long_as_tracing_is_off() -> None:
    assert _python(_WITHOUT.format(_EXTRA) + _SETTINGS).returncode == 0
