"""Writing many rows with one statement, as text made here, which is faster than adapting each value."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from itertools import repeat
from typing import Any, Final, cast

import orjson
import psycopg
from sqlalchemy import Connection, Table, TextClause, text
from sqlalchemy.dialects import postgresql

from db.quiet_errors import quiet_errors

# The special characters of COPY's text format (PostgreSQL, "COPY", file formats).
_COPY_MARKS = "\\\t\n\r"
_COPY_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})


def driver_connection(connection: Connection) -> "psycopg.Connection[Any]":
    """Return psycopg's connection below SQLAlchemy's, in the same transaction."""
    return cast("psycopg.Connection[Any]", connection.connection.driver_connection)


def insert_rows(
    connection: Connection, table: Table, columns: Sequence[str], rows: Iterable[Iterable[Any]]
) -> None:
    """Insert the rows, each in the order of `columns`, with one statement; send nothing if there are none.

    Values are text, numbers, booleans, UUIDs, aware datetimes, bytes, or None.
    """
    rows = list(rows)
    # By column: most have one type, which is checked once for all rows. Those with only None are left out:
    # many are, and a column of a newer schema may not be there yet.
    values = {
        name: (column, types)
        for name, column in zip(columns, zip(*rows, strict=True), strict=False)
        if (types := set(map(type, column))) != _NOTHING or table.c[name].server_default is not None
    }
    if not values:
        return
    with quiet_errors(), driver_connection(connection).cursor() as cursor:
        if len(rows) <= _FEW:
            arrays = [array(column) for column, _ in values.values()]
            cursor.execute(_insert(table, tuple(values)), arrays)
        else:
            texts = [_copy_column(column, types) for column, types in values.values()]
            with cursor.copy(f"COPY {table.name} ({', '.join(values)}) FROM STDIN") as copy:
                copy.write("\n".join(map("\t".join, zip(*texts, strict=True))))


_FEW: Final = 32
"""Rows that are inserted with an INSERT, in one round trip; COPY takes three, and less time a row."""


@lru_cache(maxsize=256)
def _insert(table: Table, columns: tuple[str, ...]) -> str:
    arrays = _arrays(table, dict.fromkeys(columns, "%s"))
    return f"INSERT INTO {table.name} ({', '.join(columns)}) SELECT * FROM unnest({arrays})"  # noqa: S608 - our own names


_NOTHING: Final = {type(None)}


def _copy_column(values: Sequence[Any], types: set[type]) -> Iterable[str]:
    if len(types) > 1:
        return map(_copy_field, values)
    (only,) = types
    # A batch has one time, often one tenant and status. Not for amounts: 1.0 equals 1.00, with another text.
    if only in _LITERAL and values.count(values[0]) == len(values):
        return repeat(_copy_field(values[0]), len(values))
    if only in (Decimal, int):
        return map(str, values)
    if only is not str:
        return map(_copy_field, values)
    together = "".join(values)
    # Hardly any text needs escapes, and searching is cheaper than translating.
    if any(mark in together for mark in _COPY_MARKS):
        return [value.translate(_COPY_ESCAPES) for value in values]
    return values


_LITERAL: Final = (str, datetime, bool, type(None))
"""Types whose equal values have the same text."""


def _copy_field(value: Any) -> str:
    if value is None:
        return "\\N"
    if type(value) is str:
        return value.translate(_COPY_ESCAPES)
    if type(value) is bytes:
        return "\\\\x" + value.hex()
    if type(value) in (dict, list):
        return _json(value).translate(_COPY_ESCAPES)
    return str(value)


def _json(value: Any) -> str:
    return orjson.dumps(value, option=orjson.OPT_UTC_Z).decode()


def update_rows(
    connection: Connection,
    table: Table,
    columns: Sequence[str],
    before: Sequence[Sequence[Any]],
    after: Sequence[Sequence[Any]],
) -> None:
    """Write changed rows, each in the order of `columns`, with one UPDATE; the primary key identifies them.

    Only columns that differ in some row are written; nothing is sent if there are no rows.
    """
    if not after:
        return
    keys = [column.name for column in table.primary_key]
    was = dict(zip(columns, zip(*before, strict=True), strict=True))
    values = dict(zip(columns, zip(*after, strict=True), strict=True))
    changed = [name for name in columns if name not in keys and was[name] != values[name]]
    if changed:
        parameters = {name: array(values[name]) for name in [*keys, *changed]}
        connection.execute(_update(table, tuple(keys), tuple(changed)), parameters)


@lru_cache(maxsize=256)
def _update(table: Table, keys: tuple[str, ...], changed: tuple[str, ...]) -> TextClause:
    names = [*keys, *changed]
    arrays = _arrays(table, {name: f":{name}" for name in names})
    return text(f"""
        UPDATE {table.name} SET {", ".join(f"{name} = changed.{name}" for name in changed)}
        FROM unnest({arrays}) AS changed ({", ".join(names)})
        WHERE {" AND ".join(f"{table.name}.{name} = changed.{name}" for name in keys)}
    """)  # noqa: S608 - built from our own names


def _arrays(table: Table, parameters: Mapping[str, str]) -> str:
    """Return the arguments of `unnest`: the parameter of each column, as an array of the column's type."""
    return ", ".join(f"CAST({value} AS {_type(table, name)}[])" for name, value in parameters.items())


def _type(table: Table, column: str) -> str:
    return str(table.c[column].type.compile(postgresql.dialect()))  # type: ignore[no-untyped-call]


def array(values: Iterable[Any]) -> str:
    """Return the values as the text of a PostgreSQL array, to be cast to its type.

    For a batch this is many times faster than the driver, which adapts each value.
    """
    items = list(values)
    if set(map(type, items)) == {str}:
        together = "".join(items)
        if '"' not in together and "\\" not in together:
            return '{"' + '","'.join(items) + '"}'
    return "{" + ",".join(map(_array_item, items)) + "}"


def _array_item(value: Any) -> str:
    if value is None:
        return "NULL"
    if type(value) is str:
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    if type(value) is bytes:
        return '"\\\\x' + value.hex() + '"'
    if type(value) in (dict, list):
        return _array_item(_json(value))
    return str(value)
