"""What is done to a database under load: migrations, upkeep, time limits."""

import threading
from collections.abc import Iterator
from contextlib import suppress
from random import Random
from typing import Final

import psycopg

from tests.faults.kinds.kind import Inject, kind, seen
from tests.faults.system.stage import Stage
from tests.processes import PATIENCE_SECONDS

_TABLES: Final = ("orders", "requests", "tickets", "outbox", "event_messages", "ticket_classes")
_LIMIT: Final = "200ms"


def _out_of_time(setting: str, error: type[psycopg.Error]) -> Inject:
    def inject(stage: Stage, rng: Random) -> Iterator[str]:
        primary = stage.primary
        table = rng.choice(_TABLES)
        primary.set(**{setting: _LIMIT})
        try:
            with psycopg.connect(primary.url("willcall"), connect_timeout=30) as connection:
                connection.execute(f"SET {setting} = 0")
                connection.execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")
                yield seen(
                    lambda: _raises(stage, f"SELECT FROM {table}", error),
                    f"the table {table} is locked, and {setting} ends who waits for it after {_LIMIT}",
                )
        finally:
            primary.reset(setting)
        seen(lambda: primary.ask(f"SHOW {setting}") == [("0",)], "there is no limit any more")

    return inject


def _raises(stage: Stage, statement: str, error: type[psycopg.Error]) -> bool:
    try:
        stage.primary.ask(statement, "willcall")
    except error:
        return True
    return False


kind("statements wait longer for a lock than they may", lasts=(0.5, 2))(
    _out_of_time("lock_timeout", psycopg.errors.LockNotAvailable)
)
kind("statements take longer than they may", lasts=(0.5, 2))(
    _out_of_time("statement_timeout", psycopg.errors.QueryCanceled)
)


@kind("a migration under load", lasts=(0.5, 1.5))
def _migrated(stage: Stage, rng: Random) -> Iterator[str]:
    # As a version after this one would: what is new is not required, and an index is made beside the writers.
    table = rng.choice(_TABLES)
    primary = stage.primary
    index = f"CREATE INDEX CONCURRENTLY harness_index ON {table} (harness_column)"
    primary.ask(f"ALTER TABLE {table} ADD COLUMN harness_column text", "willcall")
    try:
        primary.ask(index, "willcall")
        stage.run("migrate")
        valid = "SELECT indisvalid FROM pg_index WHERE indexrelid = 'harness_index'::regclass"
        yield seen(
            lambda: primary.ask(valid, "willcall") == [(True,)],
            f"the table {table} has a column and an index more, and `willcall migrate` was run again",
        )
    finally:
        primary.ask("DROP INDEX CONCURRENTLY IF EXISTS harness_index", "willcall")
        primary.ask(f"ALTER TABLE {table} DROP COLUMN harness_column", "willcall")


@kind("a column changes its type under load", lasts=(0, 0.5), weight=1)
def _changed_type(stage: Stage, rng: Random) -> Iterator[str]:
    # Prepared statements find a table that is not what it was: "cached plan must not change result type".
    primary = stage.primary
    type_ = "SELECT format_type(atttypid, atttypmod) FROM pg_attribute"
    type_ += " WHERE attrelid = 'orders'::regclass AND attname = 'reference'"
    [(before,)] = primary.ask(type_, "willcall")
    primary.ask("ALTER TABLE orders ALTER COLUMN reference TYPE varchar(10000)", "willcall")
    try:
        yield seen(
            lambda: primary.ask(type_, "willcall") != [(before,)], "the column `reference` has another type"
        )
    finally:
        primary.ask(f"ALTER TABLE orders ALTER COLUMN reference TYPE {before}", "willcall")


@kind("a table is written anew: VACUUM FULL", lasts=(0, 0.1))
def _vacuumed(stage: Stage, rng: Random) -> Iterator[str]:
    table = rng.choice(_TABLES)
    file = f"SELECT pg_relation_filenode('{table}')"
    before = stage.primary.ask(file, "willcall")
    stage.primary.ask(f"VACUUM (FULL) {table}", "willcall")
    yield seen(lambda: stage.primary.ask(file, "willcall") != before, f"the table {table} has a new file")


@kind("statistics are of a small table", lasts=(0.5, 2), weight=1)
def _small(stage: Stage, rng: Random) -> Iterator[str]:
    primary = stage.primary
    names = ", ".join(f"'{name}'" for name in _TABLES)
    small = f"UPDATE pg_class SET reltuples = 1, relpages = 1 WHERE relname IN ({names}) AND relkind = 'r'"
    primary.ask(small, "willcall")
    query = f"SELECT max(reltuples) FROM pg_class WHERE relname IN ({names}) AND relkind = 'r'"
    try:
        yield seen(
            lambda: primary.ask(query, "willcall") == [(1.0,)], "the planner takes every table for one row"
        )
    finally:
        primary.ask("ANALYZE", "willcall")


@kind("the database writes a checkpoint after the other", lasts=(0.5, 2), weight=1)
def _checkpoints(stage: Stage, rng: Random) -> Iterator[str]:
    is_over = threading.Event()
    primary = stage.primary

    def write() -> None:
        while not is_over.is_set():
            with suppress(psycopg.Error):
                primary.ask("CHECKPOINT")

    query = "SELECT num_requested FROM pg_stat_checkpointer"
    before = primary.ask(query)[0][0]
    thread = threading.Thread(target=write, name="checkpoints", daemon=True)
    thread.start()
    try:
        yield seen(lambda: primary.ask(query)[0][0] > before + 1, "one checkpoint follows the other")
    finally:
        is_over.set()
        thread.join(PATIENCE_SECONDS)
