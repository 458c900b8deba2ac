"""The servers of a run, each started when it is first needed, and their databases."""

import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from kombu import Connection

from benchmarks.running import database
from benchmarks.running.database import Database
from tests.rabbitmq import is_installed, running_rabbitmq
from worker.runtime import embedded

RABBITMQ: Final = "RabbitMQ"
REDIS: Final = "Redis"

POSTGRES_OPTIONS: Final = {
    # As durable as in production: a commit is on the disk before it is answered.
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    # A part of the memory, as on a server for production.
    "shared_buffers": "1GB",
    # What the figures are read from.
    "track_commit_timestamp": "on",
    "track_wal_io_timing": "on",
}

# A worker that is held still answers no heartbeats; the broker is to wait for it, seconds.
RABBITMQ_CONFIG: Final = "heartbeat = 1800\n"


class NotMeasured(Exception):
    """What a measurement needs is not here; the text says what."""


class Servers:
    """PostgreSQL and the brokers; leaving the block ends what it started, and nothing else."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self.say = say
        self._stack = ExitStack()
        self._broker_pids: dict[str, int] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    @cached_property
    def folder(self) -> Path:
        """Return a folder that is gone at the end; on a disk, where /tmp may be memory."""
        folder = tempfile.TemporaryDirectory(prefix="willcall-benchmarks-", dir="/var/tmp")
        path = Path(self._stack.enter_context(folder))
        path.chmod(0o755)  # PostgreSQL may run as another user
        return path

    @cached_property
    def home(self) -> Path:
        """Start PostgreSQL and Valkey."""
        self.say("starting PostgreSQL and Valkey")
        home = self.folder / "home"
        self._stack.enter_context(embedded.running(home, postgres_options=POSTGRES_OPTIONS))
        return home

    @cached_property
    def _template(self) -> Database:
        made = Database(embedded.database_url(self.home))
        database.prepare(made)
        return made

    @cached_property
    def ours(self) -> Database:
        """Return the database that Willcall works on."""
        return self.new_database("ours")

    @cached_property
    def theirs(self) -> Database:
        """Return the database that the others work on, one after the other."""
        return self.new_database("theirs")

    def new_database(self, name: str, *, is_kept: bool = False) -> Database:
        """Return another database with the tables and the catalogue."""
        made = database.copy_of(self._template, name, is_kept=is_kept)
        self._stack.callback(made.engine.dispose)
        return made

    def flush_milliseconds(self) -> float:
        """Return how long the database waits for the disk at a commit, on the average of this run."""
        query = "SELECT sum(fsync_time) / nullif(sum(fsyncs), 0) FROM pg_stat_io WHERE object = 'wal'"
        return float(self.ours.scalar(query) or 0)

    @property
    def brokers(self) -> list[str]:
        """Return the brokers that can be had, the recommended one first."""
        return [RABBITMQ, REDIS] if is_installed() else [REDIS]

    def broker_url(self, broker: str) -> str:
        """Start the broker if it does not run; return its URL. Raises `NotMeasured`."""
        if broker == REDIS:
            return embedded.broker_url(self.home)
        if not is_installed():
            raise NotMeasured("RabbitMQ is not installed")
        return self._rabbitmq

    @cached_property
    def _rabbitmq(self) -> str:
        self.say("starting RabbitMQ")
        folder = self.folder / "rabbitmq"
        with ThreadPoolExecutor(1) as pool:
            home = pool.submit(lambda: self.home)  # at the same time: it takes long
            server = self._stack.enter_context(running_rabbitmq(folder, RABBITMQ_CONFIG))
            self._stack.callback(server.kill)  # its data are gone anyway
            home.result()
        assert server.process is not None
        self._broker_pids[RABBITMQ] = server.process.pid
        return server.url

    @property
    def postgres_pid(self) -> int:
        """Return the process id of PostgreSQL, whose children are its backends."""
        return postgres_pid(self.home)

    def broker_pid(self, broker: str) -> int:
        """Return the process id of a broker; what it started is below it."""
        url = self.broker_url(broker)
        if broker == REDIS:
            with Connection(url) as connection:
                return int(connection.default_channel.client.info("server")["process_id"])
        return self._broker_pids[broker]

    @property
    def rabbitmq_url(self) -> str | None:
        """Return the URL of the RabbitMQ that runs, or None for none."""
        return self.__dict__.get("_rabbitmq")


def postgres_pid(home: Path) -> int:
    """Return the process id of a home's PostgreSQL."""
    return int((home / "postgres/postmaster.pid").read_text().splitlines()[0])
