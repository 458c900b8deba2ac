"""The floor: the same rows, made beforehand, written with COPY by one process and nothing else.

No order can be processed faster than its rows are written, with all constraints and indexes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, cast

import psycopg

from benchmarks.running.database import Database

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


@dataclass(frozen=True)
class Floor:
    """One run: the rows are written, 500 orders a transaction; orders a second."""

    database: Database
    source: Database
    """Where the rows are taken from, when the first run begins."""

    @cached_property
    def batches(self) -> Sequence[Batch]:
        """Return the rows of all orders of the source."""
        return copied_out(self.source)

    def __call__(self) -> float:
        batches = self.batches
        self.database.reset()
        write(self.database, batches)
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
