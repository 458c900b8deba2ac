"""Starting and stopping the embedded PostgreSQL."""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import psycopg

from worker.runtime.embedded import accounts
from worker.runtime.embedded.accounts import Account, can_run, make_system_state, run_as
from worker.runtime.embedded.errors import EmbeddedServerFailed
from worker.runtime.embedded.places import POSTGRES_PORT, POSTGRES_SOCKET, socket_directory
from worker.runtime.embedded.processes import (
    START_SECONDS,
    check_unused,
    launch_server,
    read_pid,
    stop_server,
)
from worker.runtime.embedded.wheels import postgres_binaries


def _postgres_marker(home: Path) -> str:
    return f" --unix_socket_directories={socket_directory(home)} "


def postgres_pid(home: Path) -> int | None:
    marker = _postgres_marker(home)
    # The second file exists even if the data of a running server was deleted.
    return read_pid(home / "postgres/postmaster.pid", marker) or read_pid(
        socket_directory(home) / f"{POSTGRES_SOCKET}.lock", marker
    )


def _is_postgres_ready(home: Path) -> bool:
    file = home / "postgres/postmaster.pid"
    if not read_pid(file, _postgres_marker(home)) or not (socket_directory(home) / POSTGRES_SOCKET).exists():
        return False
    with suppress(FileNotFoundError):
        state = file.read_text().splitlines()[7:8]  # starting, ready or stopping
        return [word.strip() for word in state] == ["ready"]
    return False


def start_postgres(home: Path, account: Account | None, options: Mapping[str, str]) -> None:
    if not _is_postgres_ready(home):
        stop_postgres(home)  # a killed user left it half started, or its files were deleted
        binaries = postgres_binaries(account)
        has_sync = options.get("fsync") != "off"
        data = _make_data(home, binaries, account, has_sync)
        check_unused(data / "postmaster.pid", f" -D {data} ")
        # The processes with these pids are not our server now, but PostgreSQL would refuse to start.
        # It finds orphans of a killed server by shared memory, and does not need these files.
        for stale in (data / "postmaster.pid", *socket_directory(home).glob(f"{POSTGRES_SOCKET}*")):
            stale.unlink(missing_ok=True)
        settings = {
            "port": POSTGRES_PORT,
            "listen_addresses": "",
            "unix_socket_directories": str(socket_directory(home)),
            "unix_socket_permissions": "0700",
            "max_connections": "100",
            "shared_buffers": "128MB",
            **options,
        }
        arguments = (f"--{name}={value}" for name, value in settings.items())
        _launch_postgres([f"{binaries}/postgres", "-D", str(data), *arguments], home, account)
    with psycopg.connect(
        host=str(socket_directory(home)),
        port=POSTGRES_PORT,
        user="willcall",
        dbname="postgres",
        autocommit=True,
    ) as connection:
        if not connection.execute("SELECT FROM pg_database WHERE datname = 'willcall'").rowcount:
            connection.execute("CREATE DATABASE willcall")


def _make_data(home: Path, binaries: Path, account: Account | None, has_sync: bool) -> Path:
    """Return PostgreSQL's data directory, made if there is none, where `account` can reach it."""
    link = home / "postgres"
    if account and not link.exists() and not can_run(["/bin/sh", "-c", 'cd "$0"', home], account):
        make_system_state()
        # A new name every time: a home that was deleted and created again starts empty.
        elsewhere = tempfile.mkdtemp(prefix=f"{socket_directory(home).name}-", dir=accounts.SYSTEM_STATE)
        link.unlink(missing_ok=True)  # it pointed nowhere
        link.symlink_to(elsewhere)
    data = link.resolve()
    if (data / "PG_VERSION").exists():
        return data
    # Created under another name and renamed when complete: a killed initdb must leave no partial directory.
    fresh = data.with_name(f"{data.name}.new")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(mode=0o700)
    if account:
        os.chown(fresh, *account)
    command = [f"{binaries}/initdb", "-D", str(fresh), "--username=willcall", "--encoding=UTF8"]
    command += ["--auth-local=trust", "--auth-host=reject", *([] if has_sync else ["--no-sync"])]
    # Sort by code point, the same on every system.
    command += ["--no-locale", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, **run_as(account))
    if done.returncode != 0:
        raise EmbeddedServerFailed(f"PostgreSQL could not create its data directory {data}: {done.stderr}")
    fresh.rename(data)
    return data


def _launch_postgres(command: list[str], home: Path, account: Account | None) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            launch_server(command, home / "postgres.log", lambda: _is_postgres_ready(home), account)
        except EmbeddedServerFailed as failure:
            # Orphans of a killed server use its data until their queries end.
            if "shared memory block" not in str(failure) or time.monotonic() > deadline:
                raise
            time.sleep(0.5)
        else:
            return


def stop_postgres(home: Path) -> None:
    stop_server(postgres_pid(home), signal.SIGINT, _postgres_marker(home))
