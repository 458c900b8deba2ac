"""The intake as it runs: a real server, a real database, a real broker."""

import queue
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import kombu
import psycopg
import pytest
from sqlalchemy import Engine, make_url

from db.engine import make_engine
from db.migrate import upgrade
from intake.auth.keys import create_key
from intake.auth.scopes import SCOPES
from intake.server import IntakeServer
from orders.catalogue.loading import load_catalogue
from orders.process import process
from schemas.catalogue import Catalogue
from tasks.messages import QueueMessage, parse
from tests.processes import PATIENCE_SECONDS, wait_until
from tests.rabbitmq import free_port
from willcall.queues import share_queue, transport_options
from worker.broker.depths import depth_of_orders
from worker.runtime import embedded
from worker.runtime.settings import Settings


def catalogue_of(tenant: str) -> Catalogue:
    ticket_class = {"id": "standing", "name": "Standing", "price": "45.50", "capacity": 100_000}
    stalls = {
        "id": "stalls",
        "name": "Stalls",
        "price": "80.00",
        "section": "A",
        "row": "3",
        "seats": ["1-200"],
    }
    event = {
        "id": "concert",
        "name": "Concert",
        "starts_at": "2027-04-11T19:00:00+02:00",
        "ends_at": "2027-04-11T23:00:00+02:00",
        "on_sale_until": "2099-12-31T00:00:00+00:00",
        "timezone": "Europe/Paris",
        "currency": "USD",
        "ticket_classes": [ticket_class, stalls],
    }
    return Catalogue.model_validate({"tenant": tenant, "events": [event]})


def prepare(engine: Engine) -> None:
    """Make the tables, and two tenants with the same catalogue."""
    upgrade(engine)
    for tenant in ("demo", "other"):
        load_catalogue(engine, catalogue_of(tenant), now=datetime.now(UTC))


def settings_of(home: Path, **changes: Any) -> Settings:
    return Settings(**{"home": home, "intake_port": free_port(), **changes})


@contextmanager
def own_home() -> Iterator[Path]:
    """Give a directory that PostgreSQL's user can enter, unlike pytest's."""
    with tempfile.TemporaryDirectory(prefix="willcall-intake-", ignore_cleanup_errors=True) as directory:
        Path(directory).chmod(0o755)
        yield Path(directory)


@dataclass
class Intake:
    """An intake that runs, and the servers behind it."""

    settings: Settings
    server: IntakeServer
    engine: Engine

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.settings.intake_port}"

    def new_key(self, *scopes: str, tenant: str = "demo") -> str:
        with self.engine.begin() as connection:
            return create_key(connection, tenant, scopes, datetime.now(UTC))[1]

    def client(self, *scopes: str, tenant: str = "demo") -> httpx.Client:
        return self.client_of(self.new_key(*(scopes or SCOPES[:-1]), tenant=tenant))

    def client_of(self, key: str) -> httpx.Client:
        headers = {"authorization": f"Bearer {key}"}
        return httpx.Client(base_url=self.url, headers=headers, timeout=PATIENCE_SECONDS, verify=False)

    @contextmanager
    def broker(self) -> Iterator[kombu.Connection]:
        url = self.settings.broker()
        with kombu.Connection(url, transport_options=transport_options(self.settings, url)) as connection:
            yield connection

    @contextmanager
    def paused_broker(self) -> Iterator[Callable[[], bool]]:
        """Have the broker let all that write wait until the block ends; tells whether somebody does."""
        with self.broker() as broker:
            client = broker.default_channel.client

            def waiting() -> int:
                return int(client.info("clients")["blocked_clients"])

            others = waiting()
            client.execute_command("CLIENT", "PAUSE", str(round(PATIENCE_SECONDS * 1000)), "WRITE")
            try:
                yield lambda: waiting() > others
            finally:
                client.execute_command("CLIENT", "UNPAUSE")

    def take_messages(self) -> list[kombu.Message]:
        """Return what is in the queues of orders, and empty them."""
        with self.broker() as connection:
            return list(messages_of(connection))

    def take_requests(self) -> list[dict[str, Any]]:
        """Return the requests that are in the queue of orders, and empty it."""
        return [request for message in self.take_messages() for request in message.payload[1]["requests"]]


def messages_of(connection: kombu.Connection) -> Iterator[kombu.Message]:
    """Take what is in the queues of orders."""
    for name in depth_of_orders(connection):
        with connection.SimpleQueue(share_queue(name)) as waiting, suppress(queue.Empty):
            while True:
                message = waiting.get(block=False)  # with a timeout, Redis blocks for a second
                message.ack()
                yield message


@contextmanager
def serving(settings: Settings) -> Iterator[IntakeServer]:
    server = IntakeServer(settings)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        wait_until(lambda: server.started or not thread.is_alive(), what="a server that listens")
        assert thread.is_alive()
        yield server
    finally:
        server.should_exit = True
        thread.join(PATIENCE_SECONDS)
        assert not thread.is_alive()


@contextmanager
def running_intake(home: Path, **changes: Any) -> Iterator[Intake]:
    settings = settings_of(home, **changes)
    engine = make_engine(settings.database())
    try:
        prepare(engine)
        with serving(settings) as server:
            yield Intake(settings, server, engine)
    finally:
        engine.dispose()


@pytest.fixture(scope="session")
def shared_intake(home: Path) -> Iterator[Intake]:
    """Return an intake with a database and a prefix of its own, on the servers of this process."""
    with psycopg.connect(embedded.database_url(home).replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute("CREATE DATABASE intake")
    url = make_url(embedded.database_url(home)).set(database="intake")
    # Its broker is there all the time, however slow it is.
    changes = {"database_url": str(url), "global_keyprefix": "intake-", "publish_timeout_seconds": 60}
    with running_intake(home, **changes) as intake:
        yield intake


@pytest.fixture
def intake(shared_intake: Intake) -> Iterator[Intake]:
    """Return the intake that all tests of this process share, its queue empty."""
    yield shared_intake
    shared_intake.take_messages()


@dataclass
class Worker:
    """Takes messages one by one from the queue and processes their requests, until it is stopped."""

    intake: Intake
    is_stopped: threading.Event = field(default_factory=threading.Event)
    thread: threading.Thread = field(init=False)

    def start(self) -> None:
        self.is_stopped.clear()
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def run(self) -> None:
        with self.intake.broker() as connection:
            while not self.is_stopped.is_set():
                for message in messages_of(connection):
                    self.process(message)
                time.sleep(0.01)

    def stop(self) -> None:
        """Leave what comes from now on in the queue; return when nothing is under way."""
        self.is_stopped.set()
        self.thread.join(PATIENCE_SECONDS)

    def process(self, message: kombu.Message) -> None:
        body = message.body if isinstance(message.body, bytes) else message.body.encode()
        parsed = parse(QueueMessage(message.headers["task"], message.headers["id"], body))
        with self.intake.engine.begin() as connection:
            process(connection, parsed.requests, now=datetime.now(UTC))


@pytest.fixture
def worker(intake: Intake) -> Iterator[Worker]:
    """Process what is in the queue while the test runs."""
    worker = Worker(intake)
    worker.start()
    yield worker
    worker.stop()
