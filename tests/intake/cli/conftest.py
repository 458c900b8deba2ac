"""Running `willcall`: in this process where no signal is involved, else as a process of its own."""

import io
import json
import os
import socket
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from kombu import Connection

from intake.cli.main import run
from tasks.messages import QueueMessage
from tests.intakes import messages_of
from tests.processes import Process, running_process
from worker.runtime import embedded
from worker.runtime.settings import get_settings

WILLCALL = Path(sys.executable).parent / "willcall"


@dataclass(frozen=True)
class Ran:
    """A command that has ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def json_lines(self) -> list[Any]:
        return [json.loads(line) for line in self.out.splitlines()]


Willcall = Callable[..., Ran]


@pytest.fixture
def no_settings(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Nothing that a developer has set decides the outcome."""
    for name in list(os.environ):
        if name.startswith("WILLCALL_"):
            monkeypatch.delenv(name)
    yield
    get_settings.cache_clear()


@pytest.fixture
def taken() -> Iterator[int]:
    """A port on which somebody listens already."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield int(listener.getsockname()[1])


@pytest.fixture
def willcall(
    home: Path, no_settings: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Willcall:
    """Runs a command in this process, on this process's embedded servers."""
    monkeypatch.setenv("WILLCALL_HOME", str(home))

    def run_command(*words: object, stdin: bytes = b"") -> Ran:
        get_settings.cache_clear()
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        capsys.readouterr()
        code = run([str(word) for word in words])
        captured = capsys.readouterr()
        return Ran(code, captured.out, captured.err)

    return run_command


def environment(**variables: object) -> dict[str, str]:
    """Return the environment of a process, with these settings and no others."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("WILLCALL_")}
    return inherited | {name: str(value) for name, value in variables.items()}


def running_willcall(
    *words: str, variables: Mapping[str, object], log: Path, ready: str = ""
) -> AbstractContextManager[Process]:
    """Run `willcall …` until the block ends; wait for a word in its output first."""
    return running_process(
        [str(WILLCALL), *words], environment=environment(**variables), folder=log.parent, log=log, ready=ready
    )


@dataclass
class OrdersQueue:
    """The queues of orders; empty at the start of a test, and at its end."""

    connection: Connection

    def take(self) -> list[QueueMessage]:
        """Take all messages that wait: those of one tenant in their order."""
        messages = []
        for message in messages_of(self.connection):
            body = message.body if isinstance(message.body, bytes) else message.body.encode()
            messages.append(QueueMessage(message.headers["task"], message.headers["id"], body))
        return messages

    def take_requests(self) -> list[dict[str, Any]]:
        """Take all requests that wait."""
        return [request for one in self.take() for request in json.loads(one.body)[1]["requests"]]


@pytest.fixture
def orders_queue(home: Path, willcall: Willcall) -> Iterator[OrdersQueue]:
    """The queues of orders of this process's broker."""
    with Connection(embedded.broker_url(home)) as connection:
        opened = OrdersQueue(connection)
        opened.take()
        yield opened
        opened.take()


@pytest.fixture(scope="module")
def crew(home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A worker, a relay and a maker of documents of this process's servers."""
    logs = tmp_path_factory.mktemp("crew")
    variables = {"WILLCALL_HOME": home}
    with (
        running_willcall("serve", "worker", variables=variables, log=logs / "worker", ready=" ready."),
        running_willcall("serve", "relay", variables=variables, log=logs / "relay", ready=" ready."),
        running_willcall("serve", "documents", variables=variables, log=logs / "documents", ready=" ready."),
    ):
        yield
