"""Everything that `willcall up` runs, with two tenants; and the memory of each of its processes."""

import json
import os
import subprocess
import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from tests.factories import make_event, make_ticket_class
from tests.homes import temporary_home
from tests.intake.cli.conftest import WILLCALL, environment, running_willcall
from tests.processes import Process, children_of, wait_until
from tests.rabbitmq import free_port, running_rabbitmq

CLASSES = tuple(f"standing-{number}" for number in range(10))
"""So many that nobody sells them out in ten minutes."""

_EVENT = make_event(ticket_classes=[make_ticket_class(name, capacity=1_000_000) for name in CLASSES])
TENANTS = ("stranger", "neighbour")

LIMITS = {
    # All are on: those that have no default, too.
    "WILLCALL_KEY_REQUESTS_PER_SECOND": 1_000,
    "WILLCALL_TENANT_REQUESTS_PER_SECOND": 1_000,
}


@dataclass
class System:
    """A system that runs."""

    url: str
    up: Process
    keys: Mapping[str, str]

    def memory(self) -> dict[str, int]:
        """Return the bytes that each of its processes occupies, by its name and id."""
        found: dict[str, int] = {}
        for pid, command in _below(self.up.process.pid):
            pages = _pages(pid)
            if pages:
                found[f"{_name_of(command)} {pid}"] = pages * os.sysconf("SC_PAGE_SIZE")
        return found


def _below(parent: int) -> Iterator[tuple[int, str]]:
    for pid, command in children_of(parent).items():
        yield pid, command
        yield from _below(pid)


def _pages(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    except (FileNotFoundError, ProcessLookupError):
        return 0


def _name_of(command: str) -> str:
    words = command.split()
    if "serve" in words:
        return words[words.index("serve") + 1]
    return Path(words[0]).name if words else "?"


@contextmanager
def running_system(broker: str, logs: Path) -> Iterator[System]:
    """Run it with all limits, on PostgreSQL of its own and on either broker."""
    port = free_port()
    with ExitStack() as stack:
        home = stack.enter_context(temporary_home())
        variables = {
            "WILLCALL_HOME": home / "home",
            "WILLCALL_INTAKE_PORT": port,
            "WILLCALL_FLOWER_PORT": free_port(),
            **LIMITS,
        }
        if broker == "rabbitmq":
            variables["WILLCALL_BROKER_URL"] = stack.enter_context(running_rabbitmq(home / "rabbitmq")).url
        up = stack.enter_context(
            running_willcall("up", variables=variables, log=logs / "up.log", ready="ready; Ctrl-C")
        )
        yield System(f"http://127.0.0.1:{port}", up, _prepared(variables, logs))


def _prepared(variables: Mapping[str, object], folder: Path) -> dict[str, str]:
    """Load the catalogues, and return a key of each tenant that may do all that a program may."""
    keys = {}
    for tenant in TENANTS:
        file = folder / f"{tenant}.yaml"
        file.write_text(yaml.safe_dump({"tenant": tenant, "events": [_EVENT]}))
        _willcall(variables, "catalog", "load", str(file))
        scopes = ["orders.create", "orders.read", "orders.update", "holds"]
        words = [word for scope in scopes for word in ("--scope", scope)]
        made = _willcall(variables, "keys", "create", "--tenant", tenant, *words, "--json")
        keys[tenant] = json.loads(made)["key"]
    return keys


def _willcall(variables: Mapping[str, object], *words: str) -> str:
    done = subprocess.run(
        [WILLCALL, *words], env=environment(**variables), capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@dataclass
class MemoryWatch:
    """Looks at the memory of all processes once a second."""

    system: System
    seen: list[dict[str, int]] = field(default_factory=list)

    @contextmanager
    def watching(self) -> Iterator[None]:
        is_over = threading.Event()

        def watch() -> None:
            while not is_over.wait(1):
                self.seen.append(self.system.memory())

        thread = threading.Thread(target=watch)
        thread.start()
        try:
            yield
        finally:
            is_over.set()
            thread.join()

    def wait_for(self, looks: int) -> None:
        """Return when the memory was looked at so often."""
        wait_until(lambda: len(self.seen) >= looks, what="memory that was looked at")
