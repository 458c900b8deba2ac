"""Two intake processes on one port, for tests that call them."""

import json
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from prometheus_client.parser import text_string_to_metric_families

from tests.intake.cli.conftest import running_willcall
from tests.intakes import Intake
from tests.processes import PATIENCE_SECONDS, Process, children_of, wait_until
from tests.rabbitmq import free_port

SERVED = "is served by 2 processes"
ROUTE = "/v1/orders/{order_id}"


@dataclass
class Door:
    """Two intake processes on a port, and the one above them."""

    port: int
    parent: Process
    temporary: Path
    metrics_port: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def children(self) -> dict[int, str]:
        children = children_of(self.parent.process.pid)
        return {pid: words for pid, words in children.items() if " serve intake" in words}

    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.parent.output().splitlines()]

    def answering(self) -> set[str]:
        """Return the names of the processes that have answered a call."""
        return {line["process"] for line in self.lines() if line["message"] == "call"}

    def call(self, path: str = "/v1/orders/1", **arguments: Any) -> httpx.Response:
        """Make a call on a connection of its own; one that was reset is made again."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                return httpx.get(self.url + path, timeout=PATIENCE_SECONDS, **arguments)
            except httpx.TransportError:
                assert self.parent.process.poll() is None, self.parent.output()
                assert time.monotonic() < deadline, self.parent.output()

    def metrics(self) -> dict[tuple[str, ...], float]:
        port = self.metrics_port or self.port
        answer = httpx.get(f"http://127.0.0.1:{port}/metrics", timeout=PATIENCE_SECONDS)
        assert answer.status_code == 200
        found: dict[tuple[str, ...], float] = {}
        for family in text_string_to_metric_families(answer.text):
            for sample in family.samples:
                key = (sample.name, *sample.labels.values())
                assert key not in found, "a metric that is told twice"
                found[key] = sample.value
        return found

    def counted(self, status: int = 401) -> float:
        return self.metrics().get(("willcall_intake_calls_total", "GET", ROUTE, str(status)), 0)


def variables_of(intake: Intake, port: int, **more: object) -> dict[str, object]:
    return {
        "WILLCALL_HOME": intake.settings.home,
        "WILLCALL_DATABASE_URL": intake.settings.database(),
        "WILLCALL_BROKER_URL": intake.settings.broker(),
        "WILLCALL_GLOBAL_KEYPREFIX": intake.settings.global_keyprefix,
        "WILLCALL_INTAKE_PORT": port,
        "WILLCALL_INTAKE_PROCESSES": 2,
        **more,
    }


@contextmanager
def open_door(intake: Intake, folder: Path, **more: object) -> Iterator[Door]:
    """Run two processes, and wait until both serve."""
    port = free_port()
    with tempfile.TemporaryDirectory() as temporary:
        variables = variables_of(intake, port, TMPDIR=temporary, **more)
        words = ("serve", "intake")
        with running_willcall(*words, variables=variables, log=folder / "log", ready=SERVED) as parent:
            metrics_port = int(str(more.get("WILLCALL_INTAKE_METRICS_PORT", 0)))
            door = Door(port, parent, Path(temporary), metrics_port)
            wait_until(lambda: door.call("/healthz").status_code == 200, what="a process that serves")
            wait_until(lambda: both_serve(door), what="both")
            yield door


def both_serve(door: Door) -> bool:
    return door.metrics()["willcall_intake_processes",] == 2


def call_at_once(door: Door, calls: int, **arguments: Any) -> list[httpx.Response]:
    with ThreadPoolExecutor(16) as threads:
        return list(threads.map(lambda _: door.call(**arguments), range(calls)))
