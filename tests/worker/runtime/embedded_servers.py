"""Embedded servers in homes of their own, and what the tests do with them."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import kombu
import psycopg
import pytest

from tests.processes import PATIENCE_SECONDS, wait_until
from worker.runtime import embedded
from worker.runtime.embedded import accounts, places, postgres, valkey

REPOSITORY = Path(embedded.__file__).parents[3]


# Here processes are killed, never the machine: nothing is lost that the kernel was given.
running = partial(embedded.running, postgres_options={"fsync": "off"})


only_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root runs servers as someone else")


# A user in a process of its own: says "in", and leaves when its standard input ends.
USER = """
import sys
from pathlib import Path
from worker.runtime import embedded

with embedded.running(Path(sys.argv[1]), postgres_options={"fsync": "off"}):
    print("in", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def parent(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Return a directory that any user can enter, unlike pytest's."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as directory:
        Path(directory).chmod(0o755)
        monkeypatch.setattr(accounts, "SYSTEM_STATE", Path(directory, "state"))
        yield Path(directory)


@pytest.fixture
def home(parent: Path) -> Iterator[Path]:
    home = parent / "a home"
    yield home
    kill_servers(home)
    postgres.stop_postgres(home)
    valkey.stop_valkey(home)
    shutil.rmtree(places.socket_directory(home), ignore_errors=True)


@contextmanager
def user(home: Path) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [sys.executable, "-c", USER, home],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=REPOSITORY,
    ) as process:
        try:
            assert process.stdout
            assert process.stdout.readline() == "in\n"
            yield process
        except BaseException:
            process.kill()
            raise

    # Leaving the block above ended its standard input and waited for it.


@contextmanager
def killed_at_last(command: list[str], account: accounts.Account | None) -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(command, **accounts.run_as(account)) as process:
        try:
            yield process
        finally:
            process.kill()


def postgres_pid(home: Path) -> int | None:
    return postgres.postgres_pid(home.resolve())


def valkey_pid(home: Path) -> int | None:
    return valkey.valkey_pid(home.resolve())


def pids(home: Path) -> set[int | None]:
    return {postgres_pid(home), valkey_pid(home)}


def _is_gone(home: Path, pid: int) -> bool:
    return pid not in pids(home)


def kill_servers(home: Path) -> None:
    for pid in pids(home) - {None}:
        assert pid
        os.kill(pid, signal.SIGKILL)
        wait_until(partial(_is_gone, home, pid), what="the end of a killed server")


def connect(home: Path) -> psycopg.Connection:
    url = embedded.database_url(home).replace("postgresql+psycopg://", "postgresql://")
    return psycopg.connect(url, autocommit=True)


def write(home: Path) -> None:
    with connect(home) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 'row' AS word")
    with kombu.Connection(embedded.broker_url(home)) as broker:
        broker.SimpleQueue("kept").put("message")


def read(home: Path) -> tuple[str, str]:
    """Return what `write` wrote; the message goes back to its queue."""
    with connect(home) as connection:
        row = connection.execute("SELECT word FROM kept").fetchone()
    with kombu.Connection(embedded.broker_url(home)) as broker:
        message = broker.SimpleQueue("kept").get(timeout=PATIENCE_SECONDS)
        message.requeue()
    assert row
    return row[0], message.payload
