"""PostgreSQL servers of a test, such as a primary and its standby, on ports of loopback, ended by pid."""

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import psycopg

from tests.homes import temporary_home
from tests.processes import PATIENCE_SECONDS, children_of, is_alive, pause, resume, wait_until
from tests.rabbitmq import free_port
from worker.runtime.embedded.accounts import Account, account_of
from worker.runtime.embedded.wheels import postgres_binaries

STANDBY: Final = "standby"
"""The name by which the primary knows who has to confirm its commits."""

_ACCESS: Final = "host all all 127.0.0.1/32 trust\nhost replication all 127.0.0.1/32 trust\n"

_SETTINGS: Final = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "wal_level": "replica",
    "max_connections": "100",
    "shared_buffers": "32MB",
    "max_wal_senders": "4",
    "wal_keep_size": "256MB",
    # No power is cut here; a killed process loses nothing that it has written.
    "fsync": "off",
    "log_min_messages": "log",
}


@dataclass
class Server:
    """One server, its data under `home`; it can be killed, stopped for a while, and started again."""

    home: Path
    binaries: Path
    account: Account | None
    port: int = field(default_factory=free_port)
    process: "subprocess.Popen[bytes] | None" = None

    @property
    def data(self) -> Path:
        return self.home / f"data-{self.port}"

    @property
    def log(self) -> Path:
        return self.home / f"log-{self.port}"

    def url(self, database: str = "postgres", user: str = "willcall") -> str:
        return f"postgresql://{user}@127.0.0.1:{self.port}/{database}"

    def run(self, program: str, *words: str) -> None:
        """Run one of PostgreSQL's programs as the server's user."""
        command = [str(self.binaries / program), *words]
        done = subprocess.run(command, capture_output=True, text=True, **as_account(self.account))
        assert done.returncode == 0, done.stderr

    def make(self) -> None:
        self.run("initdb", "-D", str(self.data), "--username=willcall", "--encoding=UTF8", "--no-sync")
        (self.data / "pg_hba.conf").write_text(_ACCESS)

    def make_standby_of(self, primary: "Server") -> None:
        source = f"host=127.0.0.1 port={primary.port} user=willcall application_name={STANDBY}"
        words = ["-D", str(self.data), "-d", source, "-R", "--checkpoint=fast", "--no-sync"]
        self.run("pg_basebackup", *words)

    def start(self, **settings: str) -> None:
        """Start it; return when it answers queries."""
        all_of_them = _SETTINGS | {"port": str(self.port)} | settings
        words = [f"--{name}={value}" for name, value in all_of_them.items()]
        with self.log.open("ab") as output:
            self.process = subprocess.Popen(
                [str(self.binaries / "postgres"), "-D", str(self.data), *words],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                **as_account(self.account),
            )
        wait_until(self._is_ready_or_over, what="a PostgreSQL that answers")
        assert self.process.poll() is None, self.log.read_text(errors="replace")[-2000:]

    def _is_ready_or_over(self) -> bool:
        assert self.process is not None
        if self.process.poll() is not None:
            return True
        with suppress(psycopg.OperationalError):
            self.ask("SELECT 1")
            return True
        return False

    def ask(self, query: str, database: str = "postgres") -> list[tuple[Any, ...]]:
        """Return the rows of the answer."""
        with psycopg.connect(self.url(database), autocommit=True, connect_timeout=30) as connection:
            cursor = connection.execute(query)
            return cursor.fetchall() if cursor.description else []

    def make_managed(self, database: str) -> None:
        """Make a database of a role that may do nothing beyond it, as a provider of managed servers does."""
        self.ask("CREATE ROLE owner LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS NOREPLICATION")
        self.ask(f"CREATE DATABASE {database} OWNER owner")

    def set(self, **settings: str) -> None:
        """Change settings of the running server."""
        for name, value in settings.items():
            self.ask(f"ALTER SYSTEM SET {name} = '{value}'")
        self.ask("SELECT pg_reload_conf()")

    def reset(self, name: str) -> None:
        """Undo a change of a setting of the running server."""
        self.ask(f"ALTER SYSTEM RESET {name}")
        self.ask("SELECT pg_reload_conf()")

    def wait_for_standby(self) -> None:
        """Have commits wait for the standby from now on; return when there is one that answers."""
        self.set(synchronous_standby_names=STANDBY)
        query = "SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'"
        wait_until(lambda: self.ask(query) == [(1,)], what="a synchronous standby")

    def promote(self) -> None:
        """Make the primary of a standby, whose commits wait for nobody; return when it takes changes."""
        self.ask("SELECT pg_promote(wait => true, wait_seconds => 120)")
        wait_until(lambda: self.ask("SELECT pg_is_in_recovery()") == [(False,)], what="a promoted standby")

    def kill(self) -> None:
        """End it and all processes that serve its clients, as with a machine that loses its power."""
        if self.process is None:
            return
        for pid in (pids := self._pids()):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait(PATIENCE_SECONDS)
        self.process = None
        wait_until(lambda: not any(map(is_alive, pids)), what="the end of the server's processes")

    def stop(self) -> None:
        """End it in good order, and its connections with it."""
        if self.process is not None:
            self.process.send_signal(signal.SIGINT)
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(60)
            self.kill()

    def freeze(self) -> None:
        """Stop all of its processes: connections stay open, and nothing is answered any more."""
        pause(*self._pids())

    def thaw(self) -> None:
        """Let its processes go on."""
        resume(*self._pids())

    def _pids(self) -> list[int]:
        assert self.process is not None
        # The first is who would start others.
        return [self.process.pid, *children_of(self.process.pid)]


def as_account(account: Account | None) -> dict[str, Any]:
    """Return how a program is run as the server's user, as PostgreSQL refuses to run as root."""
    if account is None:
        return {"cwd": "/"}
    return {"cwd": "/", "user": account.uid, "group": account.gid, "extra_groups": []}


@contextmanager
def running_server(**settings: str) -> Iterator[Server]:
    """Run a server of its own, with an empty database `willcall`."""
    with _home() as (home, account):
        server = Server(home, postgres_binaries(account), account)
        try:
            server.make()
            server.start(**settings)
            server.ask("CREATE DATABASE willcall")
            yield server
        finally:
            server.stop()


@contextmanager
def running_pair() -> Iterator[tuple[Server, Server]]:
    """Run a primary and a standby that confirms its commits; without it nothing is confirmed."""
    with running_server() as primary:
        standby = Server(primary.home, primary.binaries, primary.account)
        try:
            standby.make_standby_of(primary)
            standby.start()
            primary.wait_for_standby()
            yield primary, standby
        finally:
            standby.stop()


@contextmanager
def _home() -> Iterator[tuple[Path, Account | None]]:
    with temporary_home() as home:
        account = account_of(home)
        if account is not None:
            os.chown(home, *account)
        yield home, account
