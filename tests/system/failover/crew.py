"""Intake, worker, relay and beat as processes on a broker that may lose a node, and a load on them."""

import re
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import httpx
from sqlalchemy import Engine

from intake.auth.keys import create_key
from tests.factories import load, make_event, make_ticket_class, rows
from tests.intake.cli.conftest import running_willcall
from tests.processes import Process, wait_until
from tests.rabbitmq import free_port
from tests.system.failover.bounds import bound
from tests.system.failover.load import Load

_SWEEPS = ("requests.retry", "holds.sweep", "outbox.sweep")

_CREW = {"intake": "Uvicorn running", "worker": " ready.", "relay": " ready.", "beat": "beat: Starting"}


@dataclass
class Crew:
    """Processes that run, by their names, and the load on them."""

    processes: dict[str, Process]
    load: Load

    def node_of(self, name: str) -> str:
        """Return the address of the node that a process has connected to last."""
        found: list[str] = re.findall(
            r"connected to a node of the broker.*?(127\.0\.0\.1:\d+)", self.output(name)
        )
        return found[-1]

    def output(self, name: str) -> str:
        return self.processes[name].output()

    def survives(self, what: str, outage: Callable[[], object], seconds: float | None = None) -> None:
        """Have the outage happen under load; check that work goes on in time."""
        self.load.run_on(200)
        since = time.monotonic()
        outage()
        self.await_schedule()
        scheduled = time.monotonic() - since
        self.load.run_on(500)
        accepted = self.load.longest_gap(self.load.accepted_at, since)
        processed = self.load.longest_gap(self.load.processed_at, since)
        found = f"{what}: {accepted:.1f} s without a 202, {processed:.1f} s without a processed request"
        found += f", {scheduled:.1f} s until the schedule went on"
        refused, self.load.refusals = len(self.load.refusals), []
        sys.stdout.write(f"{found}, {refused} calls refused\n")  # for whoever runs pytest with -s
        assert max(accepted, processed) <= (seconds or bound()), found

    def await_schedule(self) -> None:
        """Return when beat has sent sweeps, and Celery's consumers in worker and relay have taken them."""
        query = "SELECT task, max(tick) FROM ticks GROUP BY task"
        before = dict(rows(self.load.engine, query))

        def goes_on() -> bool:
            now = dict(rows(self.load.engine, query))
            return all(now.get(task, 0) > before.get(task, 0) for task in _SWEEPS)

        wait_until(goes_on, what="a schedule that goes on")

    def end(self) -> None:
        for name, process in self.processes.items():
            assert process.process.poll() is None, f"{name} has ended: {process.output()[-2000:]}"


@contextmanager
def running_crew(url: str, home: Path, engine: Engine, folder: Path, **variables: object) -> Iterator[Crew]:
    load(engine, make_event(ticket_classes=[make_ticket_class(capacity=1_000_000)]))
    with engine.begin() as connection:
        key = create_key(connection, "demo", ["orders.create"], datetime.now(UTC))[1]
    port = free_port()
    settings = {
        "WILLCALL_HOME": home,
        "WILLCALL_BROKER_URL": url,
        "WILLCALL_INTAKE_PORT": port,
        "WILLCALL_ACCESS_LOG": "false",
        "WILLCALL_SWEEP_SECONDS": 1,
        **variables,
    }
    with ExitStack() as stack:
        processes = {
            name: stack.enter_context(
                running_willcall("serve", name, variables=settings, log=folder / name, ready=ready)
            )
            for name, ready in _CREW.items()
        }
        address = f"http://127.0.0.1:{port}"
        wait_until(lambda: httpx.get(f"{address}/readyz").is_success, what="an intake that is ready")
        crew = Crew(processes, Load(address, key, engine))
        crew.load.start()
        try:
            yield crew
        finally:
            crew.load.stop()
