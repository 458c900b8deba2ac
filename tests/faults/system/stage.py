"""The system under test: servers, processes, and the wires between them."""

import json
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import yaml
from sqlalchemy import Engine

from db.engine import make_engine
from intake.auth.scopes import SCOPES
from tests.faults.buying.producers import Market
from tests.faults.checking.ledger import PriceChange
from tests.faults.checking.tape import Tape
from tests.faults.system.actors import Actor, Supervisor, wait_until_all_run
from tests.faults.system.catalogue import CATALOGUE, TENANT, with_price
from tests.faults.system.links import Link, Links
from tests.faults.system.small_disk import can_mount, mount, unmount
from tests.faults.system.valkey import Valkey
from tests.intake.cli.conftest import WILLCALL, environment
from tests.rabbitmq import RabbitMQ, free_port, running_rabbitmq
from tests.system.failover.cluster import Cluster, running_cluster
from tests.system.failover.postgres import Server, running_pair
from worker.runtime.secret_key import generate_key

VALKEY: Final = "valkey"
RABBITMQ: Final = "rabbitmq"
BROKERS: Final = (VALKEY, RABBITMQ)
CLUSTER: Final = "cluster"
"""Three nodes of RabbitMQ."""
ALL_BROKERS: Final = (*BROKERS, CLUSTER)

_PARTITIONS: Final = "cluster_partition_handling = pause_minority\n"
"""What RabbitMQ's guide wants for three nodes: those that are cut off wait, and come back by themselves."""

ROLES: Final = ("worker", "relay", "beat", "intake")
_OF_EACH: Final = dict.fromkeys(ROLES, 2)
_DISK_MEGABYTES: Final = 256
"""The size of Valkey's disk, where it can have one that a fault may fill."""

_SETTINGS: Final = {
    "WILLCALL_ACCESS_LOG": "false",
    "WILLCALL_SWEEP_SECONDS": 1,
    "WILLCALL_VISIBILITY_TIMEOUT_SECONDS": 8,
    "WILLCALL_LOG_LEVEL": "INFO",
    # So few that a crowd fills it within a fault.
    "WILLCALL_MAX_QUEUED": 300,
}


@dataclass
class Stage:
    """All that a fault can happen to."""

    folder: Path
    broker_name: str
    primary: Server
    standby: Server
    broker: "Valkey | RabbitMQ | Cluster"
    links: Links
    variables: Mapping[str, object]
    actors: dict[str, Actor] = field(default_factory=dict)
    prices: list[PriceChange] = field(default_factory=list)
    """Those of the catalogue since the stage was made."""
    key: dict[str, str] = field(default_factory=dict)
    """What `willcall keys create` prints."""
    market: Market | None = None
    """What its producers share, while they are at work."""
    tape: Tape | None = None
    """Who consumes its event messages."""

    @property
    def points(self) -> Path:
        return self.folder / "points"

    @property
    def broker_url(self) -> str:
        """Return the broker's URL, without a wire between."""
        return broker_url(self.broker, *ports_of(self.broker))

    @property
    def database_url(self) -> str:
        """Return the URL of whichever server takes changes, without a wire between."""
        return database_url(self.primary.port, self.standby.port)

    @property
    def buyers(self) -> Market:
        """Return what the producers share."""
        assert self.market is not None
        return self.market

    def of(self, role: str) -> list[Actor]:
        return [actor for actor in self.actors.values() if actor.role == role]

    def links_of(self, actor: Actor, server: str) -> list[Link]:
        """Return the wires from a process to the "primary" of the moment, its "standby", or the "broker"."""
        ports = {
            "primary": [self.primary.port],
            "standby": [self.standby.port],
            "broker": ports_of(self.broker),
        }
        return [self.links.all[_wire(actor.name, port)] for port in ports[server]]

    @contextmanager
    def engine(self) -> Iterator[Engine]:
        """Yield an engine on the primary of the moment."""
        engine = make_engine(self.primary.url("willcall"))
        try:
            yield engine
        finally:
            engine.dispose()

    def urls(self) -> list[str]:
        """Return the URLs of the intakes."""
        return [f"http://127.0.0.1:{one.variables['WILLCALL_INTAKE_PORT']}" for one in self.of("intake")]

    def run(self, *words: str) -> str:
        """Run a command of `willcall` that is to succeed; return what it prints."""
        done = self.try_to_run(*words)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def try_to_run(self, *words: str) -> "subprocess.CompletedProcess[str]":
        """Run a command of `willcall`, without a wire between."""
        own = {
            "WILLCALL_HOME": self.folder / "home",
            "WILLCALL_DATABASE_URL": self.database_url,
            "WILLCALL_BROKER_URL": self.broker_url,
            "WILLCALL_SECRET_KEY": self.variables["WILLCALL_SECRET_KEY"],
        }
        command: list[str | Path] = [WILLCALL, *words]
        return subprocess.run(
            command, env=environment(**own), cwd=self.folder, capture_output=True, text=True, timeout=120
        )

    def change_price(self, ticket_class: str, price: str) -> None:
        """Load the catalogue with another price of one class; all other prices are those of the beginning."""
        self.prices.append(change := PriceChange(ticket_class, price, time.monotonic()))
        self.load(with_price(ticket_class, price))
        change.ended = time.monotonic()

    def load(self, catalogue: Mapping[str, Any]) -> None:
        """Load a catalogue."""
        file = self.folder / "catalogue.yaml"
        file.write_text(yaml.safe_dump(catalogue))
        self.run("catalog", "load", str(file))

    def wait_until_ready(self) -> None:
        wait_until_all_run(list(self.actors.values()))


def database_url(*ports: int) -> str:
    hosts = ",".join(f"127.0.0.1:{port}" for port in ports)
    return f"postgresql://willcall@{hosts}/willcall?target_session_attrs=read-write"


def broker_url(broker: "Valkey | RabbitMQ | Cluster", *ports: int) -> str:
    """Return the URL of a broker for who reaches it, or its nodes, by ports of 127.0.0.1."""
    if isinstance(broker, Valkey):
        return broker.url(*ports)
    return ";".join(f"amqp://guest:guest@127.0.0.1:{port}//" for port in ports)


def ports_of(broker: "Valkey | RabbitMQ | Cluster") -> list[int]:
    return broker.ports if isinstance(broker, Cluster) else [broker.port]


@contextmanager
def running_stage(
    broker: str, folder: Path, of_each: Mapping[str, int] = _OF_EACH, /, **variables: object
) -> Iterator[Stage]:
    """Run processes, two of each role, on a primary, its standby and a broker."""
    with ExitStack() as stack:
        primary, standby = stack.enter_context(running_pair())
        server = stack.enter_context(running_broker(broker, folder / "broker"))
        links = Links()
        links.start()
        stack.callback(links.stop)
        own = (
            _SETTINGS | {"WILLCALL_SECRET_KEY": generate_key(), "FAULT_POINTS": folder / "points"} | variables
        )
        stage = Stage(folder, broker, primary, standby, server, links, own)
        stage.key = json.loads(_load(stage))
        for role in ROLES:
            for number in range(1, of_each[role] + 1):
                _add_actor(stage, f"{role}-{number}", role)
        supervisor = Supervisor(list(stage.actors.values()))
        stack.callback(_end_all, stage)
        for actor in stage.actors.values():
            actor.start()
        stage.wait_until_ready()
        supervisor.start()
        stack.callback(supervisor.stop)
        yield stage


@contextmanager
def running_broker(name: str, home: Path) -> Iterator["Valkey | RabbitMQ | Cluster"]:
    """Run the broker of this name."""
    if name == CLUSTER:
        with running_cluster(home, config=_PARTITIONS) as cluster:
            yield cluster
        return
    if name == RABBITMQ:
        with running_rabbitmq(home) as rabbitmq:
            yield rabbitmq
        return
    home.mkdir()
    valkey = Valkey(home)
    with ExitStack() as stack:
        if can_mount():
            mount(home, _DISK_MEGABYTES)
            stack.callback(unmount, home)
        stack.callback(valkey.stop)
        valkey.start()
        yield valkey


def _load(stage: Stage) -> str:
    """Make the tables, load what is on sale, and return the words of a new key, as JSON."""
    stage.run("migrate")
    stage.load(CATALOGUE)
    words = [word for scope in SCOPES[:-1] for word in ("--scope", scope)]  # all but `admin`
    return stage.run("keys", "create", "--tenant", TENANT, *words, "--json")


def _add_actor(stage: Stage, name: str, role: str) -> None:
    primary, standby, *broker = (
        stage.links.open(_wire(name, port), port).port
        for port in (stage.primary.port, stage.standby.port, *ports_of(stage.broker))
    )
    home = stage.folder / "homes" / name
    home.mkdir(parents=True)
    variables = {
        **stage.variables,
        "WILLCALL_HOME": home,
        "WILLCALL_DATABASE_URL": database_url(primary, standby),
        "WILLCALL_BROKER_URL": broker_url(stage.broker, *broker),
        "WILLCALL_INTAKE_PORT": free_port(),
    }
    stage.actors[name] = Actor(name, role, variables, stage.folder)


def _wire(actor: str, port: int) -> str:
    return f"{actor} to {port}"


def _end_all(stage: Stage) -> None:
    for actor in stage.actors.values():
        actor.is_held = True
        if actor.process is not None:
            actor.process.send_signal(signal.SIGCONT)
            actor.process.terminate()
    for actor in stage.actors.values():
        actor.end()
