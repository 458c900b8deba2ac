"""Writing many rows in one statement."""

from collections.abc import Iterable, Sequence
from typing import Any, cast

import psycopg
from sqlalchemy import Connection, Table


def driver_connection(connection: Connection) -> "psycopg.Connection[Any]":
    """Return psycopg's own connection below SQLAlchemy's, inside the same transaction."""
    return cast("psycopg.Connection[Any]", connection.connection.driver_connection)


def copy_rows(
    connection: Connection, table: Table, columns: Sequence[str], rows: Iterable[Sequence[Any]]
) -> None:
    """Insert the rows, each in the order of `columns`, with one COPY; nothing is sent for no rows."""
    rows = list(rows)
    if not rows:
        return
    statement = f"COPY {table.name} ({', '.join(columns)}) FROM STDIN"
    with driver_connection(connection).cursor() as cursor, cursor.copy(statement) as copy:
        for row in rows:
            copy.write_row(row)
