"""A whole shop on given servers, and buyers who do not give up: what a failover must not show them."""

import json
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import httpx
import yaml

from intake.auth.scopes import SCOPES
from tests.factories import make_body, make_event, make_ticket_class
from tests.intake.cli.conftest import WILLCALL, environment, running_willcall
from tests.processes import PATIENCE_SECONDS, Process, wait_until
from tests.rabbitmq import free_port
from worker.runtime.secret_key import generate_key

_READY: Final = {
    "worker": " ready.",
    "relay": " ready.",
    "beat": "beat: Starting",
    "intake": "Uvicorn running",
}
KINDS: Final = tuple(_READY)
"""The processes that a shop needs."""

_EVENT: Final = make_event(ticket_classes=[make_ticket_class(capacity=1_000_000)])


@dataclass
class Shop:
    """The processes that run, and how to reach them."""

    variables: Mapping[str, object]
    folder: Path
    key: str = ""
    _numbers: Iterator[int] = field(default_factory=count)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.variables['WILLCALL_INTAKE_PORT']}"

    def with_variables(self, **variables: object) -> "Shop":
        """Return the same shop with other settings of its processes."""
        return replace(self, variables={**self.variables, **variables})

    def open(self, catalogue: Mapping[str, Any]) -> None:
        """Make the tables, load the catalogue, and make a key that may do everything but administer."""
        self.run("migrate")
        file = self.folder / "catalogue.yaml"
        file.write_text(yaml.safe_dump(catalogue))
        self.run("catalog", "load", str(file))
        words = [word for scope in SCOPES[:-1] for word in ("--scope", scope)]  # all but `admin`
        self.key = json.loads(self.run("keys", "create", "--tenant", "demo", *words, "--json"))["key"]

    def client(self, url: str = "", wait: int = 10) -> httpx.Client:
        headers = {"authorization": f"Bearer {self.key}", "prefer": f"wait={wait}"}
        return httpx.Client(base_url=url or self.url, headers=headers, timeout=PATIENCE_SECONDS)

    def run(self, *words: str) -> str:
        """Run a command of `willcall`; return what it prints."""
        done = self.try_to_run(*words)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def try_to_run(self, *words: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [WILLCALL, *words],
            env=environment(**self.variables),
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=PATIENCE_SECONDS,
        )

    @contextmanager
    def running(self, *processes: str, **variables: object) -> Iterator[Mapping[str, Process]]:
        """Run these processes, with other settings where they have to differ; all are ready then."""
        number = next(self._numbers)
        everything = {**self.variables, **variables}
        with ExitStack() as stack:
            started = {
                name: stack.enter_context(
                    running_willcall(
                        "serve", name, variables=everything, log=self.folder / f"{name}-{number}.log"
                    )
                )
                for name in processes
            }
            for name, one in started.items():
                wait_until(partial(_is_ready_or_over, name, one), what=f"{name} that is ready")
                assert one.process.poll() is None, one.output()
            yield started
            assert all(one.process.poll() is None for one in started.values()), "a process has ended"


@contextmanager
def running_shop(folder: Path, **variables: object) -> Iterator[Shop]:
    """Run intake, worker, relay and beat on a database that is empty yet, with a catalogue and a key."""
    shop = new_shop(folder, **variables)
    shop.open({"tenant": "demo", "events": [_EVENT]})
    with shop.running(*KINDS):
        yield shop


def new_shop(folder: Path, **variables: object) -> Shop:
    """Return a shop of which nothing runs yet."""
    home = {"WILLCALL_INTAKE_PORT": free_port(), "WILLCALL_HOME": folder / "home"}
    return Shop({**home, "WILLCALL_SECRET_KEY": generate_key(), **variables}, folder)


def _is_ready_or_over(name: str, process: Process) -> bool:
    return _READY[name] in process.output() or process.process.poll() is not None


@dataclass(frozen=True)
class Confirmed:
    """An order that a buyer was told to have."""

    key: str
    order_id: str
    at: float


@dataclass
class Buyers:
    """Order one by one until they are stopped; what fails they say again until they are told its outcome."""

    shop: Shop
    number: int = 6
    confirmed: list[Confirmed] = field(default_factory=list)
    accepted: dict[str, str] = field(default_factory=dict)
    """The requests that were answered with 202, by their idempotency keys."""
    failures: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self._stopping = threading.Event()
        # Half of them wait for a second only, and are told then that their order was accepted.
        waits = [(10, 1)[index % 2] for index in range(self.number)]
        self._threads = [threading.Thread(target=self._buy, args=(wait,), daemon=True) for wait in waits]

    @contextmanager
    def buying(self) -> Iterator[None]:
        for thread in self._threads:
            thread.start()
        try:
            yield
        finally:
            self._stopping.set()
            for thread in self._threads:
                thread.join(PATIENCE_SECONDS)

    def wait_for(self, more: int) -> None:
        """Return when so many more orders are confirmed."""
        wanted = len(self.confirmed) + more
        wait_until(lambda: len(self.confirmed) >= wanted, what=f"{more} orders; not so: {self.failures}")

    def first_after(self, moment: float) -> float:
        """Wait for the first order that is confirmed after the moment; return the seconds between them."""
        wait_until(lambda: self._after(moment) is not None, what=f"an order; not so: {self.failures}")
        first = self._after(moment)
        assert first is not None
        return first

    def _after(self, moment: float) -> float | None:
        return min((one.at - moment for one in list(self.confirmed) if one.at > moment), default=None)

    def _buy(self, wait: int) -> None:
        with self.shop.client(wait=wait) as client:
            while not self._stopping.is_set():
                self._order(client, make_body(idempotency_key=str(uuid4())))

    def _order(self, client: httpx.Client, body: dict[str, Any]) -> None:
        while True:
            status, answer = self._call(client, body)
            if status == 201:
                self.confirmed.append(Confirmed(body["idempotency_key"], answer["id"], time.monotonic()))
            elif status == 202:
                self.accepted[answer["request_id"]] = body["idempotency_key"]
            else:
                self.failures[str(status)] += 1
                time.sleep(0.1)
                continue
            return

    @staticmethod
    def _call(client: httpx.Client, body: dict[str, Any]) -> tuple[int | str, Any]:
        try:
            answer = client.post("/v1/orders", json=body)
        except httpx.TransportError as error:
            return type(error).__name__, None
        return answer.status_code, answer.json()
