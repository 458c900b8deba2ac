"""A PgBouncer of a test, from Debian's package, in front of a PostgreSQL of its own."""

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

import psycopg
import pytest

from tests.processes import PATIENCE_SECONDS, wait_until
from tests.rabbitmq import free_port
from tests.system.failover.postgres import Server, as_account

SERVER_CONNECTIONS: Final = 4
"""So few that a client has another one all the time; a load of a catalogue needs two."""

_CONFIGURATION: Final = """
[databases]
* = host=127.0.0.1 port={server_port}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = trust
auth_file = {users}
pool_mode = transaction
default_pool_size = {connections}
min_pool_size = {connections}
max_client_conn = 200
server_round_robin = 1
{more}
"""


@dataclass(frozen=True)
class PgBouncer:
    """One that runs, in front of a server."""

    server: Server
    port: int

    def url(self, database: str = "willcall", user: str = "willcall") -> str:
        return f"postgresql+psycopg://{user}@127.0.0.1:{self.port}/{database}"


def _binary() -> str | None:
    # Debian keeps it there, and an ordinary user's PATH may leave it out.
    return shutil.which("pgbouncer", path=f"{os.environ.get('PATH', '')}:/usr/sbin")


@contextmanager
def running_pgbouncer(server: Server, more: str = "") -> Iterator[PgBouncer]:
    """Run one in the mode `transaction`, as it comes except for its lines of more configuration."""
    binary = _binary()
    if binary is None:
        pytest.skip("PgBouncer is not installed (Debian, Ubuntu: apt install pgbouncer)")
    port = free_port()
    users, file, log = (server.home / f"pgbouncer-{port}.{end}" for end in ("users", "ini", "log"))
    users.write_text('"willcall" ""\n"owner" ""\n')
    file.write_text(
        _CONFIGURATION.format(
            server_port=server.port, port=port, users=users, connections=SERVER_CONNECTIONS, more=more
        )
    )
    with log.open("ab") as output:
        process = subprocess.Popen(
            [binary, str(file)],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            **as_account(server.account),
        )
    found = PgBouncer(server, port)
    try:
        wait_until(lambda: process.poll() is not None or _answers(found), what="a PgBouncer that answers")
        assert process.poll() is None, log.read_text()
        yield found
    finally:
        process.send_signal(signal.SIGTERM)  # at once, whoever is connected
        process.wait(PATIENCE_SECONDS)


def _answers(pgbouncer: PgBouncer) -> bool:
    try:
        psycopg.connect(pgbouncer.url().replace("+psycopg", ""), connect_timeout=30).close()
    except psycopg.OperationalError:
        return False
    return True
