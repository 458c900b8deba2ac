"""The dashboard asks for what the running processes show, and a real Prometheus answers it."""

import json
import re
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from tests.deploy.grafana import EXPRESSIONS
from tests.factories import make_body
from tests.intake.cli.conftest import running_willcall
from tests.intakes import Intake
from tests.processes import PATIENCE_SECONDS, wait_until
from tests.rabbitmq import free_port

pytestmark = pytest.mark.xdist_group("serving")

# In a system in which nothing fails, and that has no standby.
_QUIET = {
    "max by (rule) (willcall_discrepancies_open)",
    "sum by (result) (rate(willcall_retries_total[1m]))",
    "sum by (status) (rate(willcall_intake_refused_total[1m]))",
    "sum by (limit) (rate(willcall_limited_total[1m]))",
    "sum by (server, reason) (rate(willcall_stale_reads_total[1m]))",
}

_PROCESSES = ("worker", "relay", "documents", "beat")


@dataclass(frozen=True)
class System:
    """Everything that `willcall up` runs, and the ports of its metrics by process."""

    url: str
    ports: dict[str, int]

    def metrics(self, process: str) -> set[str]:
        """Return the names of the series that a process can show."""
        url = f"http://127.0.0.1:{self.ports[process]}/metrics"
        text = httpx.get(url, timeout=PATIENCE_SECONDS).text
        suffixes = {"histogram": ("_bucket", "_sum", "_count")}
        kinds = re.findall(r"^# TYPE (willcall_\w+) (\w+)$", text, re.MULTILINE)
        return {name + suffix for name, kind in kinds for suffix in suffixes.get(kind, ("",))}


def _ports_in_a_row(count: int) -> int:
    while True:
        first = free_port()
        with suppress(OSError):
            for port in range(first, first + count):
                with socket.socket() as probe:
                    probe.bind(("127.0.0.1", port))
            return first


@pytest.fixture
def system(intake: Intake, tmp_path: Path) -> Iterator[System]:
    first, door = _ports_in_a_row(len(_PROCESSES)), free_port()
    ports = {"intake": free_port(), **{name: first + index for index, name in enumerate(_PROCESSES)}}
    variables = {
        "WILLCALL_HOME": intake.settings.home,
        "WILLCALL_DATABASE_URL": intake.settings.database(),
        "WILLCALL_BROKER_URL": intake.settings.broker(),
        "WILLCALL_GLOBAL_KEYPREFIX": intake.settings.global_keyprefix,
        "WILLCALL_INTAKE_PORT": door,
        "WILLCALL_FLOWER_PORT": free_port(),
        "WILLCALL_INTAKE_METRICS_PORT": ports["intake"],
        "WILLCALL_WORKER_METRICS_PORT": first,
    }
    with running_willcall("up", variables=variables, log=tmp_path / "up", ready="ready; Ctrl-C"):
        yield System(f"http://127.0.0.1:{door}", ports)


def _send(system: System, key: str, body: dict[str, Any], *, status: int) -> None:
    headers = {"authorization": f"Bearer {key}", "prefer": "wait=60"}
    answer = httpx.post(f"{system.url}/v1/orders", json=body, headers=headers, timeout=PATIENCE_SECONDS)
    assert answer.status_code == status, answer.text


def test_every_panel_asks_for_what_the_processes_show(system: System, intake: Intake, tmp_path: Path) -> None:
    shown = {name: set[str]() for name in system.ports}

    def all_show() -> bool:
        with suppress(httpx.TransportError):  # the port opens a moment after the process
            shown.update({name: system.metrics(name) for name in system.ports})
        return all(shown.values())

    wait_until(all_show, what="the metrics of all processes")
    assert {name for one in EXPRESSIONS for name in one.metrics} <= set().union(*shown.values())
    assert "willcall_ticks_sent_total" in shown["beat"]
    assert "willcall_batch_step_seconds_sum" in shown["worker"]
    assert "willcall_events_sent_total" in shown["relay"]
    assert {"willcall_tickets_left", "willcall_outbox_oldest_seconds"} <= shown["intake"]

    if shutil.which("prometheus") is None:
        pytest.skip("prometheus is not installed: the names were compared, the answers were not")
    key = intake.new_key("orders.create", "orders.read")
    unanswered: set[str] = set()
    with prometheus(system, tmp_path) as url:

        def all_answer() -> bool:
            _send(system, key, make_body(), status=201)
            _send(system, key, make_body("no such class"), status=422)
            unanswered.clear()
            unanswered.update(one.text for one in EXPRESSIONS if not _ask(url, one.text))
            return unanswered <= _QUIET

        try:
            wait_until(all_answer, what="an answer for each panel")
        except AssertionError:
            pytest.fail(f"Prometheus has no answer for {sorted(unanswered - _QUIET)}")


@contextmanager
def prometheus(system: System, folder: Path) -> Iterator[str]:
    """Run a Prometheus that scrapes the processes every second, and return its address."""
    port = free_port()
    jobs = [
        {"job_name": name, "static_configs": [{"targets": [f"127.0.0.1:{port}"]}]}
        for name, port in system.ports.items()
    ]
    (folder / "prometheus.yml").write_text(
        yaml.safe_dump({"global": {"scrape_interval": "1s"}, "scrape_configs": jobs})
    )
    with (folder / "prometheus.log").open("wb") as log:
        process = subprocess.Popen(
            [
                "prometheus",
                f"--config.file={folder / 'prometheus.yml'}",
                f"--storage.tsdb.path={folder / 'data'}",
                f"--web.listen-address=127.0.0.1:{port}",
            ],
            stdout=log,
            stderr=log,
        )
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(PATIENCE_SECONDS)


def _ask(url: str, expression: str) -> list[Any]:
    """Return the samples of an instant query; none while Prometheus does not answer."""
    with suppress(httpx.TransportError):
        answer = httpx.get(f"{url}/api/v1/query", params={"query": expression}, timeout=PATIENCE_SECONDS)
        found = json.loads(answer.content)
        if found["status"] == "success":
            return list(found["data"]["result"])
        assert answer.status_code == 503, answer.text  # it is starting
    return []
