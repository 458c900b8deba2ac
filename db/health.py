"""Checking whether the database can take work, before a failure is attributed to a request."""

from collections.abc import Sequence
from functools import cache
from typing import Final

from sqlalchemy import Connection, Engine, Index, MetaData, PrimaryKeyConstraint, UniqueConstraint, text

from db.failures import describe
from db.revisions import current_revision, is_known, newest_revision, too_old
from db.sealed_rows import find_wrong_key
from db.tables import metadata

_NAMED: Final = 3
"""How many missing columns or indexes a sentence names."""

_READ_ONLY = text("SELECT pg_is_in_recovery(), current_setting('transaction_read_only')::boolean")

_COLUMNS = text("""
    SELECT relname || '.' || attname FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid
    WHERE relname = ANY(CAST(:tables AS name[])) AND pg_table_is_visible(pg_class.oid)
        AND attnum > 0 AND NOT attisdropped
""")

_INDEXES = text("SELECT relname FROM pg_class WHERE relkind = 'i' AND pg_table_is_visible(oid)")


def find_trouble(engine: Engine, *, accepts_newer: bool = False) -> str | None:
    """Return why the database cannot take work, as a sentence for operators, or None if it can.

    It checks what a failed statement does not show: whether the database is writable, whether its schema is
    this version's, and whether this process's key opens its secrets.
    With `accepts_newer` a newer schema with everything that this version needs is accepted: during an upgrade
    workers of the previous version continue, until something fails.
    """
    try:
        with engine.connect() as connection:
            return (
                read_only(connection)
                or schema_difference(connection, accepts_newer=accepts_newer)
                or find_wrong_key(connection)
            )
    except Exception as error:  # noqa: BLE001 - whatever it is, the database cannot take work
        return describe(error)


def read_only(connection: Connection) -> str | None:
    """Return why nothing can be written, or None."""
    is_standby, is_read_only = connection.execute(_READ_ONLY).one()
    if is_standby:
        return "the database is a standby. Promote it, or connect to the primary"
    if is_read_only:
        return "the database is read-only. Check default_transaction_read_only, and its disk"
    return None


def schema_difference(connection: Connection, *, accepts_newer: bool = False) -> str | None:
    """Return how the database's schema differs from this version's, or None."""
    newest, current = newest_revision(), current_revision(connection)
    if current is None:
        return "the database has no schema. Run `willcall migrate`"
    if sentence := too_old(current):
        return sentence
    if current != newest and is_known(current):
        return (
            f"the database schema ({current}) is older than this version, which needs {newest}. "
            "Run `willcall migrate`"
        )
    if missing := missing_objects(connection):
        return (
            f"the database schema lacks {_some(missing)}. Restore it, or use a newer version if a migration "
            "removed it"
        )
    if current != newest and not accepts_newer:
        return (
            f"the database schema ({current}) is newer than this version, which needs {newest}. "
            "Use a newer version"
        )
    return None


def missing_objects(connection: Connection) -> Sequence[str]:
    """Return the names of the columns, or else of the indexes, that the database lacks, sorted."""
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
