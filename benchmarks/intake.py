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
    with _serving(lab, url) as port:
        orders = Calls(port, "/v1/orders", key, lab.sizes.intake_seconds)
        empty = Calls(port, EMPTY, key, lab.sizes.intake_seconds)
        orders()  # connects the server to its broker
        nothing, taken = race(lab, {"the empty route": empty, "the intake": orders}, "requests/s").values()
    empty_queues(url)
    note = f"{broker}, one process, {_CLIENTS} clients with 32 connections each"
    return [compared("HTTP intake with confirms; an empty handler", TARGET, taken, nothing, note)]


@dataclass(frozen=True, slots=True)
class Calls:
    """One run: clients in processes of their own call a route for so long; answers a second."""

    port: int
    path: str
    key: str
    seconds: float

    def __call__(self) -> float:
        words = [sys.executable, "-m", "benchmarks.intake_load", str(self.port), self.path, str(self.seconds)]
        clients = [
            subprocess.Popen(words, cwd=ROOT, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
            for _ in range(_CLIENTS)
        ]
        answers = [client.communicate(f"{self.key} {_body()}")[0] for client in clients]
        if any(client.returncode for client in clients):
            raise Stalled("a client of the intake failed")
        return sum(map(int, answers)) / self.seconds


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
