"""The embedded servers are real ones here: how they start, and how users share them."""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from tests.worker.runtime.embedded_servers import (
    REPOSITORY,
    connect,
    home,
    parent,
    pids,
    postgres_pid,
    read,
    running,
    user,
    write,
)
from worker.runtime import embedded
from worker.runtime.embedded import places

__all__ = ["home", "parent"]


def test_data_survives_a_restart(home: Path) -> None:
    with running(home):
        write(home)
        first = pids(home)
    assert pids(home) == {None}

    with running(home):
        assert read(home) == ("row", "message")
        assert pids(home).isdisjoint(first)


def test_a_start_after_the_first_takes_less_than_half_as_long(home: Path) -> None:
    seconds = []
    for _ in range(4):
        began = time.monotonic()
        with running(home):
            seconds.append(time.monotonic() - began)
    first, *later = seconds
    assert min(later) < first / 2


def test_only_the_wanted_server_is_started(home: Path) -> None:
    with running(home, postgres=False):
        assert postgres_pid(home) is None
        with running(home, valkey=False):
            assert None not in pids(home)
    assert pids(home) == {None}


def test_servers_are_outside_our_session_so_that_ctrl_c_spares_them(home: Path) -> None:
    with running(home):
        sessions = {os.getsid(pid) for pid in pids(home) if pid}
    assert len(sessions) == 2
    assert os.getsid(0) not in sessions


def test_postgres_listens_on_its_socket_only_and_takes_options(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGPORT", "6543")
    options = {"max_connections": "17"}
    with (
        running(home, valkey=False, postgres_options=options),
        connect(home) as connection,
    ):
        for name, value in {
            "listen_addresses": "",
            "max_connections": "17",
            "shared_buffers": "128MB",
            "server_encoding": "UTF8",
            "data_checksums": "on",
        }.items():
            assert connection.execute(f"SHOW {name}").fetchone() == (value,)


def test_urls_depend_on_the_home_only_and_are_short_enough(
    parent: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deep = parent / ("d" * 200)
    url = embedded.database_url(deep)
    assert url != embedded.database_url(parent)
    monkeypatch.setenv("TMPDIR", str(parent))
    monkeypatch.setattr(tempfile, "tempdir", None)
    assert embedded.database_url(parent / "x" / ".." / deep.name) == url
    for socket in (".s.PGSQL.5432", "valkey.sock"):
        assert len(os.fsencode(places.socket_directory(deep) / socket)) < 103


def test_two_users_share_and_the_last_one_stops(home: Path) -> None:
    with running(home):
        with user(home):
            shared = pids(home)
        assert pids(home) == shared
        assert None not in shared
    assert pids(home) == {None}


def test_users_that_enter_and_leave_at_once_never_lack_a_server(home: Path) -> None:
    script = """
import sys
from pathlib import Path
import psycopg, redis
from worker.runtime import embedded

home = Path(sys.argv[1])
for _ in range(8):
    with embedded.running(home, postgres_options={"fsync": "off"}):
        url = embedded.database_url(home).replace("+psycopg", "")
        with psycopg.connect(url) as connection:
            connection.execute("SELECT 1")
        redis.Redis(unix_socket_path=embedded.broker_url(home).partition("://")[2]).ping()
"""
    crowd = [subprocess.Popen([sys.executable, "-c", script, home], cwd=REPOSITORY) for _ in range(4)]
    assert [process.wait() for process in crowd] == [0] * 4
    assert pids(home) == {None}
