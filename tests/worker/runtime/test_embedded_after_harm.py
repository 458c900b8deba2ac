"""Embedded servers that were killed, whose files are broken or gone."""

import os
import shutil
import threading
from contextlib import suppress
from pathlib import Path

import psycopg
import pytest

from tests.processes import wait_until
from tests.worker.runtime.embedded_servers import (
    connect,
    home,
    kill_servers,
    killed_at_last,
    parent,
    pids,
    read,
    running,
    user,
    valkey_pid,
    write,
)
from worker.runtime import embedded
from worker.runtime.embedded import accounts, places, postgres, processes, valkey

__all__ = ["home", "parent"]


def test_a_killed_user_leaves_no_lock(home: Path) -> None:
    with user(home) as killed:
        killed.kill()
    left = pids(home)
    assert None not in left

    with running(home):
        assert pids(home) == left
    assert pids(home) == {None}


def test_a_forked_child_that_stays_does_not_keep_the_lock_of_one_who_left(home: Path) -> None:
    release, wait = os.pipe()
    with running(home, postgres=False):
        child = os.fork()
        if child == 0:
            os.close(wait)
            os.read(release, 1)
            os._exit(0)
    try:
        assert valkey_pid(home) is None
        with user(home):
            assert valkey_pid(home)
        assert valkey_pid(home) is None
    finally:
        os.close(wait)
        os.close(release)
        os.waitpid(child, 0)


def test_killed_servers_start_again_with_their_data(home: Path) -> None:
    with running(home):
        write(home)
        kill_servers(home)
    with running(home):
        assert read(home) == ("row", "message")


def test_killed_servers_are_replaced_while_their_users_stay(home: Path) -> None:
    with running(home):
        write(home)
        kill_servers(home)
        with running(home):
            assert read(home) == ("row", "message")
        assert read(home) == ("row", "message")
    assert pids(home) == {None}


def test_the_orphans_of_a_killed_postgres_are_waited_for(home: Path, parent: Path) -> None:
    release = parent / "release"

    def look() -> None:
        with suppress(psycopg.OperationalError), connect(home) as connection:
            # It does not wait for anything, so it does not notice that the server is gone.
            connection.execute(
                f"DO $$ BEGIN WHILE pg_stat_file('{release}', true) IS NULL LOOP END LOOP; END $$"
            )

    def is_busy() -> bool:
        query = "SELECT FROM pg_stat_activity WHERE state = 'active' AND query LIKE 'DO %'"
        with connect(home) as connection:
            return connection.execute(query).rowcount == 1

    def release_when_waited_for() -> None:
        wait_until(lambda: "shared memory block" in log.read_text(), what="a start that finds the orphan")
        release.touch()

    with running(home, valkey=False):
        busy = threading.Thread(target=look)
        busy.start()
        wait_until(is_busy, what="a query that does not end")
        log = home / "postgres.log"
        kill_servers(home)
        assert busy.is_alive()
        releasing = threading.Thread(target=release_when_waited_for)
        releasing.start()
        with running(home, valkey=False), connect(home) as connection:
            assert release.exists()
            assert connection.execute("SELECT 1").fetchone() == (1,)
        releasing.join()
        busy.join()


def test_a_pid_file_with_the_pid_of_a_stranger_harms_nobody(home: Path) -> None:
    with running(home):
        write(home)
        pid_file = (home / "postgres" / "postmaster.pid").read_text()
        kill_servers(home)
        # Of the server's own user: PostgreSQL takes its pid for that of a running server.
        account = accounts.account_of(home)
        with killed_at_last(["sleep", "600"], account) as stranger:
            forged = "\n".join([str(stranger.pid), *pid_file.splitlines()[1:]])
            (home / "postgres" / "postmaster.pid").write_text(forged)
            (places.socket_directory(home) / ".s.PGSQL.5432.lock").write_text(forged)
            (home / "valkey.pid").write_text(str(stranger.pid))
            with running(home):
                assert read(home) == ("row", "message")
                kill_servers(home)
                (home / "postgres" / "postmaster.pid").write_text(forged)
                (home / "valkey.pid").write_text(str(stranger.pid))
            postgres.stop_postgres(home)
            valkey.stop_valkey(home)
            assert stranger.poll() is None


@pytest.mark.parametrize("content", ["", "\n", "no number\n", "-1\n", "999999999\n"])
def test_a_broken_pid_file_is_survived(home: Path, content: str) -> None:
    with running(home):
        write(home)
    (home / "postgres" / "postmaster.pid").write_text(content)
    (home / "valkey.pid").write_text(content)
    with running(home):
        assert read(home) == ("row", "message")
    assert pids(home) == {None}


def test_a_killed_initdb_leaves_nothing_in_the_way(home: Path) -> None:
    half = home / "postgres.new"
    half.mkdir(parents=True)
    (half / "PG_VERSION").write_text("18\n")
    with running(home, valkey=False), connect(home) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_a_database_that_was_not_made_at_first_is_made_later(home: Path) -> None:
    with running(home, valkey=False):
        url = embedded.database_url(home).replace("+psycopg", "").replace("/willcall?", "/postgres?")
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("DROP DATABASE willcall")
        with running(home, valkey=False), connect(home) as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)


def test_a_home_that_was_deleted_under_its_servers_starts_empty(home: Path) -> None:
    with user(home) as killed:
        write(home)
        killed.kill()
    old = pids(home)
    shutil.rmtree(home)

    with running(home):
        assert old.isdisjoint(pids(home))
        write(home)
        assert read(home) == ("row", "message")
    assert pids(home) == {None}


def test_a_home_that_was_deleted_while_in_use_does_not_keep_its_servers(home: Path) -> None:
    with running(home):
        old = pids(home)
        shutil.rmtree(home)
    assert not any(processes.is_running(pid, "--") for pid in old if pid)


def test_servers_whose_sockets_were_deleted_are_replaced(home: Path) -> None:
    with running(home):
        write(home)
        old = pids(home)
        shutil.rmtree(places.socket_directory(home))
        with running(home):
            assert read(home) == ("row", "message")
            assert old.isdisjoint(pids(home))
            assert not any(processes.is_running(pid, "--") for pid in old if pid)
