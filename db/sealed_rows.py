"""All rows that hold something sealed: can they be opened, and are they sealed with the newest key?"""

from collections.abc import Iterator, Sequence
from typing import Any, Final, NamedTuple

from sqlalchemy import Column, Connection, Table, select, update

from db.sealing import keyring, seal, unseal
from db.tables import api_keys, tenant_secrets, ticket_keys
from worker.secret_key import SecretKeyUnusable


class _Sealed(NamedTuple):
    """A table with a sealed column; the values of `key` name a row, and are what its secret is bound to."""

    table: Table
    column: Column[Any]
    key: Sequence[Column[Any]]


_ALL: Final = (
    _Sealed(tenant_secrets, tenant_secrets.c.sealed, (tenant_secrets.c.tenant_id, tenant_secrets.c.purpose)),
    _Sealed(ticket_keys, ticket_keys.c.sealed_key, (ticket_keys.c.id,)),
    _Sealed(api_keys, api_keys.c.sealed_secret, (api_keys.c.id,)),
)


def unreadable(connection: Connection) -> str | None:
    """Return why what the database keeps sealed cannot be opened, as a sentence for operators, or None."""
    for one in _ALL:
        try:
            for sealed, key in _rows(connection, one, limit=1):
                unseal(sealed, one.table.name, *key)
        except SecretKeyUnusable as error:
            return str(error)
    return None


def reseal(connection: Connection) -> int:
    """Seal with the newest key what older ones have sealed; return of how many rows that were.

    Raises `SecretKeyUnusable`.
    """
    count = 0
    for one in _ALL:
        for sealed, key in list(_rows(connection, one)):
            if keyring().is_newest(sealed):
                continue
            again = seal(unseal(sealed, one.table.name, *key), one.table.name, *key)
            statement = update(one.table).values({one.column.name: again})
            for column, value in zip(one.key, key, strict=True):
                statement = statement.where(column == value)
            connection.execute(statement)
            count += 1
    return count


def _rows(
    connection: Connection, one: _Sealed, limit: int | None = None
) -> Iterator[tuple[bytes, tuple[Any, ...]]]:
    query = select(one.column, *one.key).limit(limit)
    for row in connection.execute(query):
        yield bytes(row[0]), tuple(row[1:])
