"""How workers and intakes on several hosts share the work: `python -m benchmarks.hosts` (Linux, root).

Each host is a network namespace with a worker and an intake, which reach PostgreSQL and RabbitMQ over a
bridge, as they would over a switch. All share the cores of this machine. So what counts is what an order
costs each process: while that stays the same as hosts are added, each host with cores of its own would add as
much.
"""

import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Final
from urllib.request import urlopen

import orjson
import typer
from prometheus_client.parser import text_string_to_metric_families
from rich.console import Console
from rich.table import Table

from benchmarks.command import forget_settings
from benchmarks.compared.systems import willcall
from benchmarks.intake_load import Calls
from benchmarks.loads.orders import make_orders
from benchmarks.measurements.confirmed import CANONICAL, calls_of, numbered_catalogue
from benchmarks.measurements.intake import Clients, clients_of, wait_until_alive
from benchmarks.running import database
from benchmarks.running.crew import Crew, end, start
from benchmarks.running.database import Database, Stalled
from benchmarks.running.namespaces import Host, Network, NoNamespaces
from benchmarks.running.processor import seconds_of
from benchmarks.running.servers import POSTGRES_OPTIONS, RABBITMQ_CONFIG, postgres_pid
from benchmarks.sizes import QUICK
from intake.auth.keys import create_key
from intake.auth.scopes import SCOPES
from orders.catalogue.loading import load_catalogue
from tests.rabbitmq import running_rabbitmq
from worker.runtime import embedded

_TENANT: Final = "101"
_ORDERS: Final = "willcall_requests_total"
_BATCHES: Final = "willcall_batches_total"
_METRICS_PORT: Final = 9102
_INTAKE_PORT: Final = 8000


@dataclass(frozen=True, slots=True)
class Part:
    """What one process did, and what that took of the processor."""

    orders: int
    milliseconds: float
    """For each order."""
    batches: int = 0
    """Of a worker: the transactions that they were written in."""

    @property
    def a_second(self) -> float:
        """Return the orders a second that it would do with a core of its own."""
        return 1_000 / self.milliseconds


@dataclass(frozen=True, slots=True)
class Shared:
    """How the hosts shared the work."""

    hosts: int
    workers: Sequence[Part]
    """Of a queue that was full."""
    intakes: Sequence[Part]
    """Of orders that were confirmed over HTTP, to clients on each host."""
    postgres: float
    """Milliseconds of PostgreSQL for an order out of the queue."""
    rate: float
    """Orders a second out of the queue by the clock, with the cores that there are."""


@dataclass(frozen=True, slots=True)
class Site:
    """The servers, and the hosts that reach them."""

    network: Network
    database: Database
    broker_url: str
    postgres_pid: int
    folder: Path


@contextmanager
def site(hosts: int) -> Iterator[Site]:
    """Make the hosts, and start the servers where they reach them."""
    with ExitStack() as stack:
        network = stack.enter_context(Network(hosts))
        folder = Path(
            stack.enter_context(tempfile.TemporaryDirectory(prefix="willcall-hosts-", dir="/var/tmp"))
        )
        folder.chmod(0o755)
        access = folder / "access.conf"
        access.write_text(f"local all all trust\nhost all all {network.subnet} trust\n")
        listening = {"listen_addresses": network.address, "hba_file": str(access)}
        home = folder / "home"
        stack.enter_context(
            embedded.running(home, valkey=False, postgres_options=POSTGRES_OPTIONS | listening)
        )
        config = RABBITMQ_CONFIG + "loopback_users = none\n"
        server = stack.enter_context(running_rabbitmq(folder / "rabbitmq", config, host=network.address))
        stack.callback(server.kill)
        made = Database(f"postgresql+psycopg://willcall@{network.address}/willcall")
        stack.callback(made.engine.dispose)
        database.prepare(made)
        load_catalogue(made.engine, numbered_catalogue(), now=datetime.now(UTC))
        yield Site(network, made, server.url, postgres_pid(home), folder)


def share(site: Site, count: int, *, orders: int, seconds: float) -> Shared:
    """Let the first hosts drain a queue, then confirm orders for some seconds."""
    hosts = site.network.hosts[:count]
    with _at_work(site, hosts) as crew:
        workers, postgres, rate = _drained(site, crew, hosts, orders)
        intakes = _confirmed(site, crew, hosts, seconds)
    return Shared(count, workers, intakes, postgres, rate)


@contextmanager
def _at_work(site: Site, hosts: Sequence[Host]) -> Iterator[Crew]:
    """Run a worker on each host."""
    alone = willcall(site.database, site.broker_url, QUICK)
    system = replace(
        alone,
        commands=lambda workers: [
            ["benchmarks.in_namespace", host.name, *words]
            for host, words in zip(hosts, alone.commands(workers), strict=True)
        ],
        environment={
            **alone.environment,
            "WILLCALL_METRICS_HOST": "0.0.0.0",
            "WILLCALL_WORKER_METRICS_PORT": str(_METRICS_PORT),
        },
    )
    crew = Crew(system, len(hosts), site.folder / f"workers-{len(hosts)}.log")
    try:
        crew.launch()
        crew.get_ready()
        yield crew
    finally:
        crew.end()


def _drained(site: Site, crew: Crew, hosts: Sequence[Host], orders: int) -> tuple[list[Part], float, float]:
    """Return what each worker did, what an order cost PostgreSQL, and orders a second."""
    pids = [process.pid for process in crew.processes]
    with crew.at_work():
        had = [_counted(host) for host in hosts]
    site.database.reset()
    after = site.database.last_order()
    crew.system.publish(make_orders(orders), 100)
    before, postgres = [seconds_of([pid]) for pid in pids], seconds_of([site.postgres_pid])
    with crew.at_work():
        site.database.wait_for(orders, log=crew.last_words)
        counts = [_counted(host) - one for host, one in zip(hosts, had, strict=True)]
    costs = [seconds_of([pid]) - one for pid, one in zip(pids, before, strict=True)]
    parts = [
        replace(_part(count[_ORDERS], cost), batches=count[_BATCHES])
        for count, cost in zip(counts, costs, strict=True)
    ]
    cost = (seconds_of([site.postgres_pid]) - postgres) * 1_000 / orders
    return parts, cost, site.database.commits(after).rate


def _counted(host: Host) -> Counter[str]:
    """Return what the worker of a host has counted so far."""
    with urlopen(f"http://{host.address}:{_METRICS_PORT}/metrics", timeout=30) as answer:
        families = text_string_to_metric_families(answer.read().decode())
    counted = Counter[str]()
    for family in families:
        for sample in family.samples:
            if sample.name in (_ORDERS, _BATCHES):
                counted[sample.name] += int(sample.value)
    return counted


def _part(orders: int, seconds: float) -> Part:
    if orders == 0:
        raise Stalled("a process had no part of the work")
    return Part(orders, max(seconds * 1_000, 1.0) / orders)


def _confirmed(site: Site, crew: Crew, hosts: Sequence[Host], seconds: float) -> list[Part]:
    """Return what each intake did, called by clients on its own host at the same time."""
    with site.database.engine.begin() as connection:
        key = create_key(connection, _TENANT, SCOPES[:-1], datetime.now(UTC))
    calls = replace(calls_of(key, seconds)[CANONICAL], connections=16)
    with ExitStack() as stack:
        clients = [stack.enter_context(_intake(site, crew, host)) for host in hosts]
        with crew.at_work():
            _all(clients, replace(calls, seconds=0.5))
            before = [seconds_of([one.server]) for one in clients]
            counts = _all(clients, calls)
            costs = [seconds_of([one.server]) - had for one, had in zip(clients, before, strict=True)]
    return [_part(count, cost) for count, cost in zip(counts, costs, strict=True)]


def _all(clients: Sequence[Clients], calls: Calls) -> list[int]:
    """Let the clients of all hosts call at the same time; return how many were answered on each."""
    for one in clients:
        one.begin(calls)
    return [len(one.times(calls)) for one in clients]


@contextmanager
def _intake(site: Site, crew: Crew, host: Host) -> Iterator[Clients]:
    environment = {
        **crew.system.environment,
        "WILLCALL_INTAKE_HOST": "0.0.0.0",
        "WILLCALL_INTAKE_PORT": str(_INTAKE_PORT),
        "WILLCALL_PUBLIC_URL": f"http://{host.address}:{_INTAKE_PORT}",
    }
    log = site.folder / f"intake-{host.name}.log"
    on_host = ["benchmarks.in_namespace", host.name]
    with log.open("wb") as output:
        server = start([*on_host, "benchmarks.intake_server"], environment, output)
    try:
        wait_until_alive(server, host.address, _INTAKE_PORT, log)
        with clients_of(_INTAKE_PORT, count=1, prefix=on_host) as processes:
            yield Clients(processes, server.pid)
    finally:
        end(server)


def main(
    hosts: Annotated[int, typer.Option(min=1, max=16, help="Hosts at most.")] = 3,
    orders: Annotated[int, typer.Option(min=1_000, help="Orders in the queue.")] = 20_000,
    seconds: Annotated[float, typer.Option(min=0.2, help="How long clients call the intakes.")] = 5.0,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for programs instead.")] = False,
) -> None:
    """Measure how workers and intakes on one, two, … hosts share the work."""
    forget_settings()
    found = []
    try:
        with site(hosts) as here:
            for count in range(1, hosts + 1):
                found.append(share(here, count, orders=orders, seconds=seconds))
    except NoNamespaces as reason:
        sys.stderr.write(f"not measured: {reason}\n")
        raise typer.Exit(1) from None
    if as_json:
        sys.stdout.write(orjson.dumps([asdict(one) for one in found]).decode() + "\n")
    else:
        Console(width=None if sys.stdout.isatty() else 160).print(_table(found))


def _table(found: Sequence[Shared]) -> Table:
    table = Table(title="What hosts share: orders, and milliseconds of the processor an order")
    for name in (
        "hosts",
        "orders by worker",
        "orders a batch",
        "ms by worker",
        "orders/s of a worker with a core",
        "ms of PostgreSQL",
        "orders/s by the clock",
        "confirmed by intake",
        "ms by intake",
        "orders/s of an intake with a core",
    ):
        table.add_column(name)
    for one in found:
        table.add_row(*map(str, _cells(one)))
    return table


def _cells(one: Shared) -> list[Any]:
    def columns(parts: Sequence[Part]) -> tuple[str, ...]:
        batches = [f"{part.orders / part.batches:.0f}" for part in parts if part.batches]
        return (
            ", ".join(f"{part.orders:,}" for part in parts),
            *([", ".join(batches)] if batches else []),
            ", ".join(f"{part.milliseconds:.3f}" for part in parts),
            ", ".join(f"{part.a_second:,.0f}" for part in parts),
        )

    return [
        one.hosts,
        *columns(one.workers),
        f"{one.postgres:.3f}",
        f"{one.rate:,.0f}",
        *columns(one.intakes),
    ]


if __name__ == "__main__":
    typer.run(main)
