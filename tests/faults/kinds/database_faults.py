"""Databases that die, refuse, or hand over to their standby."""

import shutil
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from random import Random
from typing import Final

import psycopg

from tests.faults.buying.courier import Errands, couriers
from tests.faults.kinds.kind import kind, seen
from tests.faults.system.actors import gone
from tests.faults.system.catalogue import BALCONY, STANDING
from tests.faults.system.stage import Stage

_CANCELLED: Final = 20


@kind("the database is killed and starts again", lasts=(0.2, 1.5), weight=3)
def _killed(stage: Stage, rng: Random) -> Iterator[str]:
    primary = stage.primary
    assert primary.process is not None
    pid = primary.process.pid
    primary.kill()
    yield seen(lambda: gone(pid), f"process {pid} of the database is gone")
    primary.start()


@kind("the database is read-only", lasts=(0.5, 2), weight=3)
def _read_only(stage: Stage, rng: Random) -> Iterator[str]:
    stage.primary.set(default_transaction_read_only="on")
    yield seen(lambda: _setting(stage, "default_transaction_read_only") == "on", "new transactions only read")
    stage.primary.reset("default_transaction_read_only")
    seen(lambda: _setting(stage, "default_transaction_read_only") == "off", "transactions write again")


def _setting(stage: Stage, name: str) -> str:
    return str(stage.primary.ask(f"SHOW {name}")[0][0])


@kind("all sessions of the database are ended", lasts=(0, 0.1), weight=3)
def _sessions(stage: Stage, rng: Random) -> Iterator[str]:
    query = """
        SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
        WHERE datname = 'willcall' AND pid <> pg_backend_pid()
    """
    yield f"{stage.primary.ask(query)[0][0]} sessions are ended"


@kind("the database has no connection left", lasts=(0.5, 2))
def _connections(stage: Stage, rng: Random) -> Iterator[str]:
    taken = []
    is_full = False
    with suppress(psycopg.OperationalError):
        for _ in range(200):
            taken.append(psycopg.connect(stage.primary.url("willcall"), connect_timeout=5))
    try:
        psycopg.connect(stage.primary.url("willcall"), connect_timeout=5).close()
    except psycopg.OperationalError:
        is_full = True
    try:
        yield seen(lambda: is_full, f"{len(taken)} connections more are taken, and the next is refused")
    finally:
        for one in taken:
            one.close()


@kind("statements are cancelled", lasts=(0, 0.1))
def _cancelled(stage: Stage, rng: Random) -> Iterator[str]:
    # As a statement timeout does: SQLSTATE 57014.
    query = """
        SELECT count(*) FILTER (WHERE pg_cancel_backend(pid)) FROM pg_stat_activity
        WHERE datname = 'willcall' AND state = 'active' AND pid <> pg_backend_pid()
    """
    count = 0
    for _ in range(300):
        count += stage.primary.ask(query)[0][0]
        if count >= _CANCELLED:
            break
    yield seen(lambda: count > 0, f"{count} statements are cancelled")


@kind("a batch runs into a deadlock", lasts=(0, 0.1))
def _deadlock(stage: Stage, rng: Random) -> Iterator[str]:
    # Batches lock ticket classes in the order of their ids; this session does the opposite.
    count = _deadlocks(stage)
    both = f"'{STANDING}', '{BALCONY}'"
    lock = f"SELECT FROM ticket_classes WHERE external_id IN ({both}) ORDER BY id {{}} LIMIT 1 FOR UPDATE"
    errands = []
    with (
        couriers(stage.buyers, rng, 1) as (courier,),
        psycopg.connect(stage.primary.url("willcall"), connect_timeout=30, autocommit=True) as connection,
    ):
        for _ in range(30):
            with suppress(psycopg.errors.DeadlockDetected), connection.transaction():
                connection.execute("SET LOCAL deadlock_timeout = '30s'")  # so that the batch is ended, not we
                connection.execute(lock.format("DESC"))
                ask = courier.order((STANDING, 1), (BALCONY, 1))
                errands.append(Errands([partial(courier.send, ask)]))
                connection.execute("SELECT pg_sleep(0.3)")
                connection.execute(lock.format("ASC"))
            if _deadlocks(stage) > count:
                break
        for errand in errands:
            errand.end()
    yield seen(lambda: _deadlocks(stage) > count, "PostgreSQL has ended a batch that was in a deadlock")


def _deadlocks(stage: Stage) -> int:
    return int(stage.primary.ask("SELECT deadlocks FROM pg_stat_database WHERE datname = 'willcall'")[0][0])


@kind("tables are locked", lasts=(0.5, 3))
def _locked(stage: Stage, rng: Random) -> Iterator[str]:
    table = rng.choice(("orders", "requests", "ticket_classes", "outbox", "event_messages"))
    with psycopg.connect(stage.primary.url("willcall"), connect_timeout=30) as connection:
        connection.execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")
        query = f"""
            SELECT count(*) FROM pg_locks
            WHERE relation = '{table}'::regclass AND granted AND mode = 'AccessExclusiveLock'
        """
        yield seen(lambda: stage.primary.ask(query, "willcall") == [(1,)], f"the table {table} is locked")


@kind("the standby is killed, and commits wait for it", lasts=(0.5, 2))
def _standby_killed(stage: Stage, rng: Random) -> Iterator[str]:
    standby = stage.standby
    assert standby.process is not None
    pid = standby.process.pid
    standby.kill()
    yield seen(lambda: gone(pid), f"process {pid} of the standby is gone")
    standby.start()
    stage.primary.wait_for_standby()


@kind("the primary is killed, and its standby promoted", lasts=(0.2, 1.0), weight=2)
def _promoted(stage: Stage, rng: Random) -> Iterator[str]:
    former, new = stage.primary, stage.standby
    assert former.process is not None
    pid = former.process.pid
    former.kill()
    seen(lambda: gone(pid), f"process {pid} of the primary is gone")
    new.promote()
    # Whoever promotes a standby with no other behind it has to say so, or no commit ever ends.
    new.reset("synchronous_standby_names")
    stage.primary, stage.standby = new, former
    yield f"process {pid} of the primary is gone, and the standby is the primary"
    shutil.rmtree(former.data)
    former.make_standby_of(new)
    former.start()
    new.wait_for_standby()
