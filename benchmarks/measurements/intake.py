"""Requests a second that the HTTP intake takes, against the same server doing nothing."""

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final
from urllib.request import urlopen

import orjson

from benchmarks.compared.systems import environment_of
from benchmarks.intake_load import UNIQUE, Calls
from benchmarks.loads.orders import TENANT, make_orders
from benchmarks.results import Row, Target, compared
from benchmarks.running.brokers import empty_queues
from benchmarks.running.crew import ROOT, end, start
from benchmarks.running.database import Stalled
from benchmarks.running.lab import Lab
from benchmarks.running.racing import race
from intake.auth.keys import create_key
from schemas.requests import ENVELOPE_FIELDS
from tests.rabbitmq import free_port

TITLE: Final = "HTTP intake with confirms; an empty handler"
TARGET: Final = Target(0.5)

EMPTY: Final = "/benchmarks/empty"

CONNECTIONS: Final = 64
"""Of all clients together, where a measure says nothing else."""

_CLIENTS: Final = 2
_START_SECONDS: Final = 30.0


def run(lab: Lab) -> Sequence[Row]:
    """Return orders taken with confirms against calls of the empty route."""
    lab.end_crews()  # or they would be sent these orders
    broker = lab.brokers[0]
    with lab.ours.engine.begin() as connection:
        key = create_key(connection, TENANT, ["orders.create"], datetime.now(UTC))[1]
    with serving(lab, broker) as clients:
        body = _body()
        orders, empty = (
            Calls(path, lab.sizes.intake_seconds, CONNECTIONS, body=body, headers=headers(key))
            for path in ("/v1/orders", EMPTY)
        )
        clients.send(orders)  # connects the server to its broker
        sides = {
            "the empty route": lambda: clients.send(empty).rate,
            "the intake": lambda: clients.send(orders).rate,
        }
        nothing, taken = race(lab, sides, "requests/s").values()
    empty_queues(lab.broker_url(broker))
    note = f"{broker}, one process, {_CLIENTS} clients with {CONNECTIONS // _CLIENTS} connections each"
    return [compared(TITLE, TARGET, taken, nothing, note)]


def headers(key: str) -> dict[str, str]:
    """Return the headers of a call in our own words, each with a key of its own."""
    return {"Authorization": f"Bearer {key}", "Idempotency-Key": UNIQUE}


def _body() -> str:
    """Return an order as a caller sends it: its key travels as a header."""
    (order,) = make_orders(1)
    own = ENVELOPE_FIELDS | {"idempotency_key"}
    return orjson.dumps({name: value for name, value in order.items() if name not in own}).decode()


@dataclass(frozen=True, slots=True)
class Answers:
    """What the clients saw in one run, and what it cost the intake."""

    times: Sequence[float]
    """Milliseconds of each call."""
    seconds: float
    cpu_seconds: float
    """Of the intake's process."""

    @property
    def rate(self) -> float:
        """Return the answers a second."""
        return len(self.times) / self.seconds

    @property
    def cpu_milliseconds(self) -> float:
        """Return what one call cost the intake's process."""
        return self.cpu_seconds * 1_000 / len(self.times)


@dataclass(frozen=True, slots=True)
class Clients:
    """The processes of the clients, and the intake that they call."""

    processes: "Sequence[subprocess.Popen[str]]"
    server: int
    """The process id of the intake."""

    def send(self, calls: Calls) -> Answers:
        """Send the calls from all clients; one client where there is a single connection."""
        before = _cpu_seconds(self.server)
        self.begin(calls)
        return Answers(self.times(calls), calls.seconds, _cpu_seconds(self.server) - before)

    def begin(self, calls: Calls) -> None:
        """Let the clients begin."""
        processes = self._callers(calls)
        share = replace(calls, connections=calls.connections // len(processes))
        for process in processes:
            assert process.stdin is not None
            process.stdin.write(share.line())
            process.stdin.flush()

    def times(self, calls: Calls) -> list[float]:
        """Wait for the clients that have begun; return the milliseconds of each call."""
        return [one for process in self._callers(calls) for one in _times(process)]

    def _callers(self, calls: Calls) -> "Sequence[subprocess.Popen[str]]":
        return self.processes[: calls.connections]


def _times(client: "subprocess.Popen[str]") -> list[float]:
    assert client.stdout is not None
    line = client.stdout.readline()
    if not line:
        raise Stalled("a client of the intake failed; its words are above")
    times: list[float] = orjson.loads(line)
    return times


def _cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextlib.contextmanager
def serving(lab: Lab, broker: str) -> Iterator[Clients]:
    """Run the intake, and clients that call it, until the block ends."""
    port = free_port()
    environment = environment_of(lab.ours, lab.broker_url(broker)) | {"WILLCALL_INTAKE_PORT": str(port)}
    with (lab.folder / "intake.log").open("wb") as log:
        server = start(["benchmarks.intake_server"], environment, log)
    try:
        wait_until_alive(server, "127.0.0.1", port, lab.folder / "intake.log")
        with clients_of(port) as processes:
            yield Clients(processes, server.pid)
    finally:
        end(server)


def wait_until_alive(server: "subprocess.Popen[bytes]", address: str, port: int, log: Path) -> None:
    """Return when the intake answers. Raises `Stalled` with the end of its log."""
    deadline = time.monotonic() + _START_SECONDS
    while not _is_alive(address, port):
        if time.monotonic() > deadline or server.poll() is not None:
            raise Stalled(log.read_text(errors="replace")[-3_000:])
        time.sleep(0.05)


@contextlib.contextmanager
def clients_of(
    port: int, *, count: int = _CLIENTS, prefix: Sequence[str] = ()
) -> "Iterator[list[subprocess.Popen[str]]]":
    """Run clients; `prefix` is a module that runs them, with its arguments."""
    words = [sys.executable, "-m", *prefix, "benchmarks.intake_load", str(port)]
    with contextlib.ExitStack() as stack:
        clients = []
        for _ in range(count):
            client = stack.enter_context(
                subprocess.Popen(words, cwd=ROOT, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
            )
            stack.callback(client.kill)
            clients.append(client)
        yield clients


def _is_alive(address: str, port: int) -> bool:
    with contextlib.suppress(OSError), urlopen(f"http://{address}:{port}/healthz", timeout=2) as answer:
        return bool(answer.status == 200)
    return False
