"""The floor: the same rows, made beforehand, written with COPY by one process and nothing else.

No order can be processed faster than its rows are written, with all constraints and indexes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, cast

import psycopg

from benchmarks.database import Database
from benchmarks.lab import Lab
from benchmarks.racing import Drain, race
from benchmarks.results import Row, Target, compared

TITLE: Final = "orders drained; the same rows written with COPY"
TARGET: Final = Target(0.5)

ORDERS_PER_TRANSACTION: Final = 500

# What an order leaves, in the order of the foreign keys; the column that names the order.
_TABLES: Final = (
    ("requests", "order_id"),
    ("orders", "id"),
    ("order_lines", "order_id"),
    ("tickets", "order_id"),
    ("event_messages", "subject"),
    ("outbox", "subject"),
)

_BATCHES: Final = f"""
    CREATE TEMPORARY TABLE batches AS
    SELECT id, (row_number() OVER (ORDER BY id) - 1) / {ORDERS_PER_TRANSACTION} AS batch FROM orders
"""

Batch = Sequence[tuple[str, bytes]]
"""The rows of one transaction: for each table its name, and what COPY reads."""


def run(lab: Lab) -> Sequence[Row]:
    """Return Willcall's drain against the floor."""
    broker = lab.brokers[0]
    (crew,) = lab.crews(broker, "willcall")
    drain = Drain(lab, crew)
    drain()  # leaves the rows to copy
    floor = Floor(lab.new_database("floor"), copied_out(crew.system.database))
    ours, written = race(lab, {"willcall": drain, "the COPY floor": floor}).values()
    note = f"{broker}, {crew.workers} process(es) against one that only writes"
    return [compared(TITLE, TARGET, ours, written, note)]


@dataclass(frozen=True, slots=True)
class Floor:
    """One run: the rows are written, 500 orders a transaction; orders a second."""

    database: Database
    batches: Sequence[Batch]

    def __call__(self) -> float:
        self.database.reset()
        write(self.database, self.batches)
        return self.database.commits().rate


def write(database: Database, batches: Sequence[Batch]) -> None:
    """Write the rows, each batch in a transaction of its own."""
    with database.engine.connect() as connection:
        writer = cast("psycopg.Connection[Any]", connection.connection.driver_connection)
        for batch in batches:
            with writer.cursor() as cursor:
                for table, rows in batch:
                    with cursor.copy(f"COPY {table} FROM STDIN") as copy:
                        copy.write(rows)
            writer.commit()


def copied_out(database: Database) -> list[Batch]:
    """Return the rows of all orders of a database, in batches, as COPY writes them."""
    with database.engine.connect() as connection:
        reader = cast("psycopg.Connection[Any]", connection.connection.driver_connection)
        with reader.cursor() as cursor:
            cursor.execute(_BATCHES)
            count = _count(cursor)
            return [
                [(table, _read(cursor, table, column, batch)) for table, column in _TABLES]
                for batch in range(count)
            ]


def _count(cursor: "psycopg.Cursor[Any]") -> int:
    row = cursor.execute("SELECT max(batch) + 1 FROM batches").fetchone()
    assert row is not None
    return int(row[0])


def _read(cursor: "psycopg.Cursor[Any]", table: str, column: str, batch: int) -> bytes:
    query = (
        f"COPY (SELECT t.* FROM {table} t JOIN batches b ON b.id = t.{column}"
        f" WHERE b.batch = {batch} ORDER BY b.id) TO STDOUT"
    )
    with cursor.copy(query) as copy:
        return b"".join(copy)
