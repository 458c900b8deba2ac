"""Can this database take work of this program? Asked of the database before a request is blamed."""

from collections.abc import Sequence
from functools import cache
from typing import Final

from sqlalchemy import Connection, Engine, Index, MetaData, PrimaryKeyConstraint, UniqueConstraint, text

from db.failures import describe
from db.revisions import current_revision, is_known, newest_revision, too_old
from db.sealed_rows import find_wrong_key
from db.tables import metadata

_NAMED: Final = 3
"""How many of the things that are missing a sentence names."""

_READ_ONLY = text("SELECT pg_is_in_recovery(), current_setting('transaction_read_only')::boolean")

_COLUMNS = text("""
    SELECT relname || '.' || attname FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid
    WHERE relname = ANY(CAST(:tables AS name[])) AND pg_table_is_visible(pg_class.oid)
        AND attnum > 0 AND NOT attisdropped
""")

_INDEXES = text("SELECT relname FROM pg_class WHERE relkind = 'i' AND pg_table_is_visible(oid)")


def find_trouble(engine: Engine, *, is_newer_fine: bool = False) -> str | None:
    """Return why the database cannot take work, as a sentence for operators, or None: it can.

    It looks at what a failed statement does not tell: is it writable, is its schema that of this program, are
    its secrets sealed with this process's key?
    With `is_newer_fine` a newer schema that has all that is needed is no trouble: a worker of the version
    before works beside one of this version, until something fails.
    """
    try:
        with engine.connect() as connection:
            return (
                read_only(connection)
                or other_schema(connection, is_newer_fine=is_newer_fine)
                or find_wrong_key(connection)
            )
    except Exception as error:  # noqa: BLE001 - whatever it is, the database did not answer as it should
        return describe(error)


def read_only(connection: Connection) -> str | None:
    """Return why nothing can be written, or None."""
    is_standby, is_read_only = connection.execute(_READ_ONLY).one()
    if is_standby:
        return "the database is a standby: promote it, or connect to the primary"
    if is_read_only:
        return "the database is read-only: look at default_transaction_read_only, and at its disk"
    return None


def other_schema(connection: Connection, *, is_newer_fine: bool = False) -> str | None:
    """Return how the database's schema differs from what this program needs, or None."""
    newest, current = newest_revision(), current_revision(connection)
    if current is None:
        return "the database has no schema: run `willcall migrate`"
    if sentence := too_old(current):
        return sentence
    if current != newest and is_known(current):
        return f"the database's schema is {current}, and this program needs {newest}: run `willcall migrate`"
    if missing := missing_things(connection):
        return f"the database's schema lacks {_some(missing)}: it was removed, or this program is too old"
    if current != newest and not is_newer_fine:
        return (
            f"the database's schema is {current}, and this program knows only {newest}: use a newer version"
        )
    return None


def missing_things(connection: Connection) -> Sequence[str]:
    """Return the columns and indexes that this program needs and the database has not, in order."""
    columns, indexes = _known(metadata)
    tables = sorted(metadata.tables)
    found = set(connection.scalars(_COLUMNS, {"tables": tables}))
    return sorted(columns - found) or sorted(indexes - set(connection.scalars(_INDEXES)))


@cache
def _known(tables: MetaData) -> tuple[frozenset[str], frozenset[str]]:
    columns = {f"{table.name}.{column.name}" for table in tables.sorted_tables for column in table.columns}
    indexes = {
        str(one.name)
        for table in tables.sorted_tables
        for one in (*table.indexes, *table.constraints)
        if isinstance(one, Index | PrimaryKeyConstraint | UniqueConstraint)
    }
    return frozenset(columns), frozenset(indexes)


def _some(names: Sequence[str]) -> str:
    rest = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {rest} more" if rest > 0 else "")
