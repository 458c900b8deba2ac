"""Disks that are full."""

import shutil
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from random import Random
from typing import Final

import psycopg

from tests.faults.kinds.kind import kind, seen
from tests.faults.system.actors import gone
from tests.faults.system.small_disk import can_mount, filled, mount, room, unmount
from tests.faults.system.stage import RABBITMQ, VALKEY, Stage
from tests.faults.system.valkey import Valkey
from tests.rabbitmq import RabbitMQ

_MORE_THAN_ANY_DISK: Final = "1000000GB"


@kind("the broker's disk alarm is on", brokers=(RABBITMQ,), lasts=(0.5, 2))
def _full_rabbitmq(stage: Stage, rng: Random) -> Iterator[str]:
    assert isinstance(stage.broker, RabbitMQ)
    broker = stage.broker
    broker.ctl("set_disk_free_limit", _MORE_THAN_ANY_DISK)
    try:
        yield seen(lambda: _alarms(broker) != "[]", "the broker has an alarm and blocks publishers")
    finally:
        broker.ctl("set_disk_free_limit", "50MB")
    seen(lambda: _alarms(broker) == "[]", "the broker has no alarm any more")


def _alarms(broker: RabbitMQ) -> str:
    return broker.ctl("--silent", "eval", "rabbit_alarm:get_alarms().").strip()


@kind("the broker's disk is full", brokers=(VALKEY,), lasts=(0.2, 2), is_possible=can_mount)
def _full_valkey(stage: Stage, rng: Random) -> Iterator[str]:
    assert isinstance(stage.broker, Valkey)
    broker = stage.broker
    pid = broker.pid
    with filled(broker.home):
        # What it cannot write it must not confirm, so it ends; whatever starts it again does so in vain.
        assert broker.process is not None
        seen(lambda: broker.process is not None and broker.process.poll() is not None, "an end of the broker")
        yield seen(
            lambda: gone(pid) and room(broker.home) == 0,
            f"process {pid} of the broker has ended, as its disk is full",
        )
    broker.start()


@kind("the database's disk is full", lasts=(0.5, 2), is_possible=can_mount)
def _full_database(stage: Stage, rng: Random) -> Iterator[str]:
    table = rng.choice(("orders", "requests", "tickets", "outbox"))
    primary = stage.primary
    with ExitStack() as stack:
        disk = _tablespace(stage, stack)
        primary.ask(f"ALTER TABLE {table} SET TABLESPACE small", "willcall")
        stack.callback(primary.ask, f"ALTER TABLE {table} SET TABLESPACE pg_default", "willcall")
        stack.enter_context(filled(disk))
        yield seen(lambda: _is_full(stage), f"the disk that holds the table {table} is full")


def _tablespace(stage: Stage, stack: ExitStack) -> Path:
    """Make a tablespace on a small disk; return the disk.

    It is within the data folder (`allow_in_place_tablespaces`), as the standby on the same machine must have
    another of its own, which is not full.
    """
    primary = stage.primary
    with psycopg.connect(primary.url("willcall"), autocommit=True) as connection:
        connection.execute("SET allow_in_place_tablespaces = on")
        connection.execute("CREATE TABLESPACE small LOCATION ''")
        stack.callback(_drop_tablespace, stage)
    [(oid,)] = primary.ask("SELECT oid FROM pg_tablespace WHERE spcname = 'small'")
    disk: Path = primary.data / "pg_tblspc" / str(oid)
    [version] = [one.name for one in disk.iterdir()]
    mount(disk, 64)
    stack.callback(unmount, disk)
    # The last checkpoint's files must be gone before the disk is.
    stack.callback(primary.ask, "CHECKPOINT")
    (disk / version).mkdir(mode=0o700)
    shutil.chown(disk / version, *_owner(disk))
    return disk


def _drop_tablespace(stage: Stage) -> None:
    stage.primary.ask("DROP TABLESPACE small")


def _owner(folder: Path) -> tuple[int, int]:
    found = folder.stat()
    return found.st_uid, found.st_gid


def _is_full(stage: Stage) -> bool:
    with psycopg.connect(stage.primary.url("willcall")) as connection:
        with suppress(psycopg.errors.DiskFull):
            connection.execute(
                "CREATE TABLE harness_rows TABLESPACE small AS SELECT generate_series(1, 10000)"
            )
            return False
        return True
