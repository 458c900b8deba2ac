"""The embedded PostgreSQL and Valkey: the first user starts them, the last one stops them.

Every user holds a shared lock on `<home>/users.lock`, which the kernel drops when the user dies.
Servers are started and stopped under the exclusive lock `<home>/servers.lock`. All else is read
from the servers' own files, so that any process may be killed at any time.
"""

import fcntl
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import IO

import psycopg
import redis

from worker.runtime.embedded.accounts import account_of
from worker.runtime.embedded.errors import EmbeddedServerFailed
from worker.runtime.embedded.places import make_socket_directory, socket_directory
from worker.runtime.embedded.postgres import start_postgres, stop_postgres
from worker.runtime.embedded.valkey import start_valkey, stop_valkey


@contextmanager
def running(
    home: Path,
    *,
    postgres: bool = True,
    valkey: bool = True,
    postgres_options: Mapping[str, str] | None = None,
) -> Iterator[None]:
    """Keep the wanted servers of `home` running; the last user to leave stops both.

    `postgres_options` take effect only if this call starts PostgreSQL.
    """
    home = home.resolve()
    with ExitStack() as files:
        with _failures_named("start", home):
            home.mkdir(parents=True, exist_ok=True)
            # Open until the end: leaving must work even if the home is deleted meanwhile.
            users = files.enter_context((home / "users.lock").open("a"))
            servers = files.enter_context((home / "servers.lock").open("a"))
        try:
            with _failures_named("start", home), _locked(servers):
                fcntl.flock(users, fcntl.LOCK_SH)
                account = account_of(home)
                make_socket_directory(home, account)
                if postgres:
                    start_postgres(home, account, postgres_options or {})
                if valkey:
                    start_valkey(home)
            yield
        finally:
            with _failures_named("stop", home), _locked(servers):
                if _is_last(users):
                    try:
                        stop_postgres(home)
                    finally:
                        stop_valkey(home)
                    with suppress(OSError):  # a server that was killed left its socket there
                        socket_directory(home).rmdir()


@contextmanager
def _failures_named(verb: str, home: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, psycopg.Error, redis.RedisError) as error:
        message = f"The embedded servers of {home} did not {verb}: {error}"
        raise EmbeddedServerFailed(message) from error


@contextmanager
def _locked(file: IO[str]) -> Iterator[None]:
    fcntl.flock(file, fcntl.LOCK_EX)
    try:
        yield
    finally:
        fcntl.flock(file, fcntl.LOCK_UN)


def _is_last(users: IO[str]) -> bool:
    """Release our lock on `users`; return whether no other process has one."""
    try:
        fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        fcntl.flock(users, fcntl.LOCK_UN)  # closing is not enough: a forked child has the file too
    return True
