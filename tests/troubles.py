"""Databases that cannot take work, each for another reason, and each made well again."""

import os
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from pathlib import Path
from tempfile import mkdtemp
from typing import Final

import pytest
from sqlalchemy import Engine, text

Trouble = Callable[[Engine], AbstractContextManager[None]]


def _run(engine: Engine, *statements: str) -> None:
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        # What is being mended may be what would refuse the mending.
        connection.execute(text("SET default_transaction_read_only = off"))
        connection.execute(text("SET statement_timeout = 0"))
        for statement in statements:
            connection.execute(text(statement))
        # Not for the next who gets this connection.
        connection.invalidate()


def _statements(begin: tuple[str, ...], end: tuple[str, ...]) -> Trouble:
    @contextmanager
    def trouble(engine: Engine) -> Iterator[None]:
        _run(engine, *begin)
        try:
            yield
        finally:
            _run(engine, *end)

    return trouble


def _setting(name: str, value: str) -> Trouble:
    reload = "SELECT pg_reload_conf()"
    return _statements((f"ALTER SYSTEM SET {name} = {value}", reload), (f"ALTER SYSTEM RESET {name}", reload))


def _renamed(what: str, there: str, away: str) -> Trouble:
    return _statements(
        (what.format(old=there, new=away),),
        (what.format(old=away, new=there),),
    )


@contextmanager
def full_disk(engine: Engine) -> Iterator[None]:
    """Move the table of orders to a disk of 20 MB that is full; skips where none can be mounted."""
    if os.geteuid() != 0:
        pytest.skip("mounting a small disk needs root")
    with ExitStack() as stack:
        disk = Path(mkdtemp(prefix="willcall-disk-"))
        stack.callback(disk.rmdir)
        mounted = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=20m,mode=0777", "tmpfs", str(disk)], capture_output=True
        )
        if mounted.returncode:
            pytest.skip(f"no small disk can be mounted: {mounted.stderr.decode().strip()}")
        stack.callback(subprocess.run, ["umount", str(disk)], check=True)
        place = disk / "tablespace"
        place.mkdir()
        with engine.connect() as connection:
            data = Path(connection.execute(text("SHOW data_directory")).scalar_one())
        os.chown(place, data.stat().st_uid, data.stat().st_gid)
        _run(engine, f"CREATE TABLESPACE small LOCATION '{place}'")
        stack.callback(_run, engine, "DROP TABLESPACE small")
        _run(engine, "ALTER TABLE orders SET TABLESPACE small")
        stack.callback(_run, engine, "ALTER TABLE orders SET TABLESPACE pg_default")
        filling = disk / "filling"
        stack.callback(filling.unlink)
        with filling.open("wb", buffering=0) as file, suppress(OSError):
            while True:
                file.write(bytes(4096))
        yield


def _locked(timeout: str) -> Trouble:
    @contextmanager
    def trouble(engine: Engine) -> Iterator[None]:
        with _setting(timeout, "'200ms'")(engine), engine.connect() as connection:
            connection.execute(text("LOCK TABLE orders IN ACCESS EXCLUSIVE MODE"))
            yield

    return trouble


TROUBLES: Final[Mapping[str, Trouble]] = {
    "read only": _setting("default_transaction_read_only", "on"),
    "column missing": _renamed("ALTER TABLE orders RENAME COLUMN {old} TO {new}", "buyer_email", "gone"),
    "inbox lacks a column": _renamed("ALTER TABLE requests RENAME COLUMN {old} TO {new}", "kind", "gone"),
    "table missing": _renamed("ALTER TABLE {old} RENAME TO {new}", "outbox", "gone"),
    "newer schema": _statements(
        (
            "ALTER TABLE orders ADD COLUMN newer integer NOT NULL CHECK (newer > 0)",
            "UPDATE alembic_version SET version_num = reverse(version_num)",
        ),
        (
            "ALTER TABLE orders DROP COLUMN newer",
            "UPDATE alembic_version SET version_num = reverse(version_num)",
        ),
    ),
    "full disk": full_disk,
    "statement timeout": _locked("statement_timeout"),
    "lock timeout": _locked("lock_timeout"),
}
"""By their names: what makes the database unable to take orders while the block lasts."""
