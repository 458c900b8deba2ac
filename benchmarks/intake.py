"""Requests a second that the HTTP intake takes, against the same server doing nothing."""

import contextlib
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from urllib.request import urlopen

import orjson

from benchmarks.brokers import empty_queues
from benchmarks.crew import ROOT, end, start
from benchmarks.database import Stalled
from benchmarks.lab import Lab
from benchmarks.orders import TENANT, make_orders
from benchmarks.racing import race
from benchmarks.results import Row, Target, compared
from benchmarks.systems import environment_of
from intake.keys import create_key
from schemas.requests import ENVELOPE_FIELDS
from tests.rabbitmq import free_port

TITLE: Final = "HTTP intake with confirms; an empty handler"
TARGET: Final = Target(0.5)

EMPTY: Final = "/benchmarks/empty"

_CLIENTS: Final = 2
_START_SECONDS: Final = 30.0


def run(lab: Lab) -> Sequence[Row]:
    """Return orders taken with confirms against calls of the empty route."""
    lab.end_crews()  # or they would be sent these orders
    broker = lab.brokers[0]
    url = lab.broker_url(broker)
    with lab.ours.engine.begin() as connection:
        key = create_key(connection, TENANT, ["orders.create"], datetime.now(UTC))[1]
    with _serving(lab, url) as port, _clients(port, key) as clients:
        orders = Calls(clients, "/v1/orders", lab.sizes.intake_seconds)
        empty = Calls(clients, EMPTY, lab.sizes.intake_seconds)
        orders()  # connects the server to its broker
        nothing, taken = race(lab, {"the empty route": empty, "the intake": orders}, "requests/s").values()
    empty_queues(url)
    note = f"{broker}, one process, {_CLIENTS} clients with 32 connections each"
    return [compared(TITLE, TARGET, taken, nothing, note)]


@dataclass(frozen=True, slots=True)
class Calls:
    """One run: all clients call a route for so long; answers a second."""

    clients: "Sequence[subprocess.Popen[str]]"
    path: str
    seconds: float

    def __call__(self) -> float:
        for client in self.clients:
            assert client.stdin is not None
            client.stdin.write(f"{self.path} {self.seconds}\n")
            client.stdin.flush()
        return sum(map(_answers, self.clients)) / self.seconds


def _answers(client: "subprocess.Popen[str]") -> int:
    assert client.stdout is not None
    line = client.stdout.readline()
    if not line:
        raise Stalled("a client of the intake failed; its words are above")
    return int(line)


@contextlib.contextmanager
def _clients(port: int, key: str) -> "Iterator[list[subprocess.Popen[str]]]":
    """Run the processes of the clients until the block ends."""
    words = [sys.executable, "-m", "benchmarks.intake_load", str(port)]
    with contextlib.ExitStack() as stack:
        clients = []
        for _ in range(_CLIENTS):
            client = stack.enter_context(
                subprocess.Popen(words, cwd=ROOT, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
            )
            stack.callback(client.kill)
            assert client.stdin is not None
            client.stdin.write(f"{key}\n{_body()}\n")
            clients.append(client)
        yield clients


def _body() -> str:
    """Return an order as a caller sends it: its key travels as a header."""
    (order,) = make_orders(1)
    own = ENVELOPE_FIELDS | {"idempotency_key"}
    return orjson.dumps({name: value for name, value in order.items() if name not in own}).decode()


@contextlib.contextmanager
def _serving(lab: Lab, broker_url: str) -> Iterator[int]:
    """Run the intake; yield its port."""
    port = free_port()
    environment = environment_of(lab.ours, broker_url) | {"WILLCALL_INTAKE_PORT": str(port)}
    with (lab.folder / "intake.log").open("wb") as log:
        server = start(["benchmarks.intake_server"], environment, log)
    try:
        deadline = time.monotonic() + _START_SECONDS
        while not _is_alive(port):
            if time.monotonic() > deadline or server.poll() is not None:
                raise Stalled((lab.folder / "intake.log").read_text(errors="replace")[-3_000:])
            time.sleep(0.05)
        yield port
    finally:
        end(server)


def _is_alive(port: int) -> bool:
    with contextlib.suppress(OSError), urlopen(f"http://127.0.0.1:{port}/healthz", timeout=2) as answer:
        return bool(answer.status == 200)
    return False
