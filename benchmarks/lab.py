"""The servers of a run and the crews on them, each started when it is first needed."""

import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from benchmarks import database, systems
from benchmarks.crew import Crew, System
from benchmarks.database import Database
from benchmarks.orders import make_orders
from benchmarks.sizes import Sizes
from tests.rabbitmq import is_installed, running_rabbitmq
from worker import embedded

RABBITMQ: Final = "RabbitMQ"
REDIS: Final = "Redis"

MAKERS: Final = {
    "willcall": systems.willcall,
    "textbook": systems.textbook_celery,
    "dramatiq": systems.dramatiq,
    "huey": systems.huey,
}

_POSTGRES: Final = {
    # As durable as in production: a commit is on the disk before it is answered.
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    # What the figures are read from.
    "track_commit_timestamp": "on",
    "track_wal_io_timing": "on",
}

# A worker that is held still answers no heartbeats; the broker is to wait for it, seconds.
_RABBITMQ_CONFIG: Final = "heartbeat = 1800\n"


class NotMeasured(Exception):
    """What a measurement needs is not here; the text says what."""


class Lab:
    """PostgreSQL, the brokers, and the crews; leaving the block ends what it started, and nothing else."""

    def __init__(self, sizes: Sizes, say: Callable[[str], None]) -> None:
        self.sizes = sizes
        self.say = say
        self._stack = ExitStack()
        self._crews: dict[tuple[str, str], Crew] = {}
        self._best: dict[str, int] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self.end_crews()
        finally:
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
        self._stack.enter_context(embedded.running(home, postgres_options=_POSTGRES))
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
        return self._stack.enter_context(running_rabbitmq(self.folder / "rabbitmq", _RABBITMQ_CONFIG)).url

    @property
    def rabbitmq_url(self) -> str | None:
        """Return the URL of the RabbitMQ that runs, or None for none."""
        return self.__dict__.get("_rabbitmq")

    @property
    def crews(self) -> list[Crew]:
        """Return the crews that run."""
        return list(self._crews.values())

    def crew(self, system: str, broker: str) -> Crew:
        """Return the crew of a system, warmed up, with as many workers as were fastest when first tried."""
        key = (system, broker)
        if key not in self._crews:
            url = self.broker_url(broker)
            made = MAKERS[system](self.ours if system == "willcall" else self.theirs, url, self.sizes)
            crew = self._fastest(made, self._best.get(system))
            self._crews[key], self._best[system] = crew, crew.workers
        return self._crews[key]

    def _fastest(self, system: System, known: int | None) -> Crew:
        """Return the crew that drains a queue fastest; each number of workers is tried once."""
        if known is None and len(system.workers) == 1:
            known = system.workers[0]
        if known is not None:
            return self.start(system, known)
        rates: dict[int, float] = {}
        crew = None
        for workers in system.workers:
            if crew is not None:
                crew.end()
            crew = self.start(system, workers)
            rates[workers] = self._tried_out(crew)
        assert crew is not None
        best = max(rates, key=rates.__getitem__)
        if crew.workers == best:
            return crew
        crew.end()
        return self.start(system, best)

    def _tried_out(self, crew: Crew) -> float:
        """Return orders a second of one short drain."""
        try:
            crew.drain(make_orders(crew.orders_for(self.sizes.trial_seconds)), 100)
        except BaseException:
            crew.end()
            raise
        return crew.rate

    def start(self, system: System, workers: int) -> Crew:
        """Start a crew and warm it up; `end_crews` does not end it."""
        self.say(f"{system.name}: starting, workers: {workers}")
        log = self.folder / f"{system.name}-{workers}-{len(list(self.folder.iterdir()))}.log"
        crew = Crew(system, workers, log.with_name(log.name.replace(" ", "-")))
        try:
            crew.start()
        except BaseException:
            crew.end()
            raise
        return crew

    def end_crews(self) -> None:
        """End all crews; who needs one again starts it again."""
        while self._crews:
            self._crews.popitem()[1].end()
