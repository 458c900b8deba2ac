"""A small system of real processes on servers of its own, and what Prometheus sees of it."""

import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
from sqlalchemy import Engine

from db.engine import make_engine
from db.migrate import upgrade
from db.sealing import keyring, secret_keys
from intake.auth.keys import create_key
from tests.factories import load, make_body
from tests.faults.system.actors import Actor
from tests.faults.system.links import Link, Links
from tests.faults.system.valkey import Valkey
from tests.processes import PATIENCE_SECONDS, wait_until
from tests.rabbitmq import free_port
from tests.system.alerts.scrapes import Scrape, scrape
from tests.system.failover.postgres import Server, running_server
from worker.runtime.secret_key import generate_key
from worker.runtime.settings import get_settings

_ROLES: Final = ("worker", "relay", "beat", "intake")

_PROMPT: Final = {
    "WILLCALL_SWEEP_SECONDS": 1,
    "WILLCALL_RECONCILE_SECONDS": 2,
    "WILLCALL_MAX_ATTEMPTS": 1,
    "WILLCALL_RETRY_SECONDS": 0.1,
    "WILLCALL_PUBLISH_TIMEOUT_SECONDS": 2,
    "WILLCALL_MAX_CONNECTIONS": 16,
    "WILLCALL_READ_LAG_SECONDS": 2,
}


_PAUSE_SECONDS: Final = 0.25
"""Between two scrapes, which cost the processes more than what is waited for."""


@dataclass
class System:
    """One process of each role, and the servers behind them."""

    database: Server
    broker: Valkey
    wire: Link
    """From the intake to the server that it reads lists from."""
    links: Links
    engine: Engine
    actors: dict[str, Actor]
    key: str

    @property
    def port(self) -> int:
        """Return the port of the intake."""
        return int(str(self.actors["intake"].variables["WILLCALL_INTAKE_PORT"]))

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def scrape(self) -> Scrape:
        """Scrape the processes, as `deploy/prometheus/prometheus.yml` names them."""
        ports = {role: self.actors[role].variables["WILLCALL_WORKER_METRICS_PORT"] for role in _ROLES[:2]}
        return scrape(
            {"willcall-intake": f"{self.url}/metrics"}
            | {f"willcall-{role}": f"http://127.0.0.1:{port}/metrics" for role, port in ports.items()}
        )

    def scrape_when(self, condition: Callable[[Scrape], bool], what: str) -> Scrape:
        """Scrape until the condition holds, and return that scrape."""
        found: list[Scrape] = []

        def holds() -> bool:
            if found:
                time.sleep(_PAUSE_SECONDS)
            found.append(self.scrape())
            return condition(found[-1])

        wait_until(holds, what=what)
        return found[-1]

    def client(self) -> httpx.Client:
        headers = {"authorization": f"Bearer {self.key}"}
        return httpx.Client(base_url=self.url, headers=headers, timeout=PATIENCE_SECONDS)

    def order(self, **changes: Any) -> int:
        """Send an order of a ticket, and return the status of the intake's answer."""
        with self.client() as client:
            return client.post("/v1/orders", json=make_body(**changes)).status_code

    @contextmanager
    def without(self, role: str) -> Iterator[None]:
        """Have the process of this role stopped while the block lasts."""
        self.actors[role].end()
        try:
            yield
        finally:
            self.actors[role].start()

    def wait_until_well(self) -> None:
        """Return when all processes run, nothing waits, and nothing is wrong."""
        wait_until(lambda: all(actor.is_ready() for actor in self.actors.values()), what="all processes")
        self.scrape_when(_is_well, what="a system that is well")


def _is_well(scrape: Scrape) -> bool:
    waiting = ("willcall_queue_messages", "willcall_outbox_unsent", "willcall_breaker_open")
    lags = scrape.of("willcall_standby_lag_seconds").values()
    return (
        all(scrape.of("up").values())
        and not any(sum(scrape.of(metric).values()) for metric in waiting)
        and max(lags) < PATIENCE_SECONDS
    )


@contextmanager
def running_system() -> Iterator[System]:
    with ExitStack() as stack:
        name = stack.enter_context(
            tempfile.TemporaryDirectory(prefix="willcall-alerts-", ignore_cleanup_errors=True)
        )
        folder = Path(name)
        folder.chmod(0o755)
        database = stack.enter_context(running_server())
        standby = Server(database.home, database.binaries, database.account)
        standby.make_standby_of(database)
        stack.callback(standby.stop)
        standby.start()
        broker = Valkey(folder)
        stack.callback(broker.stop)
        broker.start()
        engine = make_engine(database.url("willcall"))
        stack.callback(engine.dispose)
        secret_key = generate_key()
        with _sealing_with(secret_key):
            key = _prepare(engine)
        links = Links()
        links.start()
        stack.callback(links.stop)
        wire = links.open("standby", standby.port)
        variables = {
            **_PROMPT,
            "WILLCALL_DATABASE_URL": database.url("willcall"),
            "WILLCALL_BROKER_URL": broker.url(broker.port),
            "WILLCALL_SECRET_KEY": secret_key,
        }
        actors = {role: _actor(role, folder, variables, wire) for role in _ROLES}
        stack.callback(_end_all, actors)
        for actor in actors.values():
            actor.start()
        yield System(database, broker, wire, links, engine, actors, key)


def _end_all(actors: Mapping[str, Actor]) -> None:
    for actor in actors.values():
        if actor.process is not None:
            actor.process.terminate()  # all at once: each takes seconds
    for actor in actors.values():
        actor.end()


@contextmanager
def _sealing_with(secret_key: str) -> Iterator[None]:
    """Have this process seal with the key of the system's processes while the block lasts."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WILLCALL_SECRET_KEY", secret_key)
        _forget_keys()
        yield
    _forget_keys()


def _forget_keys() -> None:
    for cached in (get_settings, secret_keys, keyring):
        cached.cache_clear()


def _prepare(engine: Engine) -> str:
    """Make the tables, load what is on sale, and return a key of a buyer's shop."""
    upgrade(engine)
    load(engine)
    with engine.begin() as connection:
        return create_key(connection, "demo", ("orders.create", "orders.read"), datetime.now(UTC))[1]


def _actor(role: str, folder: Path, variables: dict[str, object], wire: Link) -> Actor:
    home = folder / role
    home.mkdir()
    own: dict[str, object] = {"WILLCALL_HOME": home, "WILLCALL_WORKER_METRICS_PORT": free_port()}
    if role == "intake":
        own = {
            "WILLCALL_HOME": home,
            "WILLCALL_INTAKE_PORT": free_port(),
            "WILLCALL_READ_DATABASE_URL": f"postgresql://willcall@127.0.0.1:{wire.port}/willcall",
        }
    return Actor(role, role, variables | own, folder)
