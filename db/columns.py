"""The columns of a typed row, for a SELECT."""

from typing import Any

from sqlalchemy import Uuid

from db import tables


def columns_of(row: type[Any], table_name: str, alias: str) -> str:
    """Return the list of a row's columns for a SELECT; ids are read as text."""
    table = tables.metadata.tables[table_name]
    return ", ".join(
        f"{alias}.{name}::text" if isinstance(table.c[name].type, Uuid) else f"{alias}.{name}"
        for name in row._fields
    )
