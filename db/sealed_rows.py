"""Checking and resealing all rows with sealed secrets."""

import secrets
from collections.abc import Iterator, Sequence
from typing import Any, Final, NamedTuple

from sqlalchemy import Column, Connection, Table, select, update

from db.sealing import SecretsUnreadable, keyring, seal, unseal
from db.tables import api_keys, tenant_secrets, ticket_keys
from worker.runtime.secret_key import SecretKeyMissing, SecretKeyUnusable


class _Sealed(NamedTuple):
    """A table with a sealed column; the values of `key` identify a row, and its secret is bound to them."""

    table: Table
    column: Column[Any]
    key: Sequence[Column[Any]]


_ALL: Final = (
    _Sealed(tenant_secrets, tenant_secrets.c.sealed, (tenant_secrets.c.tenant_id, tenant_secrets.c.purpose)),
    _Sealed(ticket_keys, ticket_keys.c.sealed_key, (ticket_keys.c.id,)),
    _Sealed(api_keys, api_keys.c.sealed_secret, (api_keys.c.id,)),
)


_SAMPLE: Final = 10


def find_wrong_key(connection: Connection) -> str | None:
    """Return why none of the sealed secrets opens, as a sentence for operators, or None.

    It checks a few rows: a single one that does not open is not the system's failure. A process without a key
    returns None.
    """
    error: SecretKeyUnusable | None = None
    for sealed, key in _rows(connection, _ALL[0], limit=_SAMPLE):
        try:
            unseal(sealed, _ALL[0].table.name, *key)
        except SecretKeyMissing:
            return None
        except SecretKeyUnusable as failure:
            error = failure
        else:
            return None
    return None if error is None else str(error)


def check_key(connection: Connection) -> None:
    """Raise `SecretsUnreadable` if this process's key opens none of the existing secrets."""
    if find_wrong_key(connection) is not None:
        raise SecretsUnreadable


def count_unreadable(connection: Connection) -> tuple[int, int]:
    """Return the counts of rows that do not open and of all rows. Raises `SecretKeyMissing`."""
    keyring()
    found = [_opens(one, sealed, key) for one in _ALL for sealed, key in _rows(connection, one)]
    return found.count(False), len(found)


def _opens(one: _Sealed, sealed: bytes, key: Sequence[Any]) -> bool:
    try:
        keyring().open(sealed, one.table.name, *key)
    except SecretsUnreadable:
        return False
    return True


def reseal(connection: Connection) -> int:
    """Seal with the newest key the secrets of older keys; return the count of rows.

    Raises `SecretKeyUnusable`.
    """
    count = 0
    for one in _ALL:
        for sealed, key in list(_rows(connection, one)):
            if not keyring().is_newest(sealed):
                _write(connection, one, key, unseal(sealed, one.table.name, *key))
                count += 1
    return count


def replace_unreadable(connection: Connection) -> int:
    """Replace the secrets that no key opens by random ones; return their count.

    Afterwards each tenant needs new ticket keys: a random private key does not match its public key.
    """
    count = 0
    for one in _ALL:
        for sealed, key in list(_rows(connection, one)):
            if not _opens(one, sealed, key):
                _write(connection, one, key, secrets.token_hex(16).encode())
                count += 1
    return count


def _write(connection: Connection, one: _Sealed, key: Sequence[Any], secret: bytes) -> None:
    which = [column == value for column, value in zip(one.key, key, strict=True)]
    sealed = {one.column.name: seal(secret, one.table.name, *key)}
    connection.execute(update(one.table).where(*which).values(sealed))


def _rows(
    connection: Connection, one: _Sealed, limit: int | None = None
) -> Iterator[tuple[bytes, tuple[Any, ...]]]:
    query = select(one.column, *one.key).limit(limit)
    for row in connection.execute(query):
        yield bytes(row[0]), tuple(row[1:])
