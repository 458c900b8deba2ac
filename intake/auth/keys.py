"""API keys: each gives access to one tenant, within its scopes. Only a key's hash is stored."""

import hashlib
import re
import secrets
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, NamedTuple
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Connection,
    LargeBinary,
    Uuid,
    any_,
    bindparam,
    func,
    insert,
    or_,
    select,
    update,
)

from db.ids import new_id
from db.sealed_rows import check_key
from db.sealing import seal, unseal
from db.tables import api_keys, tenant_aliases, tenants
from db.tenant_secrets import open_secret, sealed_secret
from intake.auth.scopes import SCOPES, Scope
from intake.auth.tenant_signatures import new_request_secret
from orders.reading.order_reading import find_tenant
from schemas.dialects import DialectName

_ID_BYTES: Final = len(UUID(int=0).bytes)
_KEY: Final = re.compile(r"wc_[A-Za-z0-9_-]{43}", re.ASCII)


class UnknownTenant(Exception):
    """There is no tenant {name}."""


class UnknownScope(Exception):
    """{name} is not a scope."""


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key in a list: everything but the key itself."""

    id: UUID
    tenant: str
    scopes: tuple[str, ...]
    created_at: datetime
    revoked_at: datetime | None
    expires_at: datetime | None
    last_used_at: datetime | None


class NewKey(NamedTuple):
    """A key as it is shown once: `key` authenticates calls, and `secret` signs requests of one dialect."""

    id: UUID
    key: str
    secret: str


@dataclass(frozen=True, slots=True)
class Caller:
    """The caller of a key, and what the key allows."""

    key_id: UUID
    tenant_id: UUID
    tenant: str
    scopes: frozenset[str]
    aliases: frozenset[tuple[str, str]] = frozenset()
    """The tenant's names in the dialects: pairs of a dialect and a name."""
    link_secret: bytes = field(default=b"", repr=False)
    """The secret that signs the tenant's links."""
    token_secret: bytes = field(default=b"", repr=False)
    """The secret that signs the tenant's access tokens."""
    request_secret: str = field(default="", repr=False)
    """The secret with which the key's holder signs requests, in dialects that require it."""
    expires_at: datetime | None = None
    """When the key expires."""

    def may(self, scope: Scope) -> bool:
        """Say whether the key allows this; `admin` allows everything."""
        return scope in self.scopes or "admin" in self.scopes

    def has_expired(self, now: datetime) -> bool:
        """Say whether the key has expired."""
        return self.expires_at is not None and self.expires_at <= now

    def is_called(self, name: str, dialect: DialectName) -> bool:
        """Say whether the tenant has this name in the dialect."""
        return (dialect, name) in self.aliases


def create_key(
    connection: Connection,
    tenant_name: str,
    scopes: Iterable[str],
    now: datetime,
    *,
    expires_at: datetime | None = None,
) -> NewKey:
    """Store a new key and return it; it cannot be shown again.

    Raises `UnknownTenant`, `UnknownScope` and `SecretKeyUnusable`.
    """
    wanted = sorted(set(scopes))
    for scope in wanted:
        if scope not in SCOPES:
            raise UnknownScope(f"{scope} is not a scope; the scopes are {', '.join(SCOPES)}")
    tenant_id = find_tenant(connection, tenant_name)
    if tenant_id is None:
        raise UnknownTenant(f"there is no tenant {tenant_name}")
    check_key(connection)
    key = NewKey(new_id(), "wc_" + secrets.token_urlsafe(32), new_request_secret())
    connection.execute(
        insert(api_keys).values(
            id=key.id,
            tenant_id=tenant_id,
            key_hash=hash_key(key.key),
            scopes=wanted,
            sealed_secret=seal(key.secret.encode(), "api_keys", key.id),
            created_at=now,
            expires_at=expires_at,
        )
    )
    return key


def list_tenants(connection: Connection) -> list[str]:
    """Return the names of all tenants, sorted."""
    return list(connection.scalars(select(tenants.c.name).order_by(tenants.c.name)))


def list_keys(connection: Connection) -> list[ApiKey]:
    """Return all keys, including revoked ones, oldest first."""
    query = select(api_keys, tenants.c.name).join(tenants).order_by(api_keys.c.id)
    return [
        ApiKey(
            row.id,
            row.name,
            tuple(row.scopes),
            row.created_at,
            row.revoked_at,
            row.expires_at,
            row.last_used_at,
        )
        for row in connection.execute(query)
    ]


def revoke_key(connection: Connection, key_id: UUID, now: datetime) -> bool:
    """Revoke the key permanently; return false if no valid key has this id."""
    statement = update(api_keys).where(api_keys.c.id == key_id, api_keys.c.revoked_at.is_(None))
    return connection.execute(statement.values(revoked_at=now)).rowcount == 1


def find_caller(connection: Connection, key_hash: bytes) -> Caller | None:
    """Return the caller of the key with this hash; None if it does not exist, is revoked or has expired.

    Raises `SecretKeyUnusable`.
    """
    return _find_caller(connection, api_keys.c.key_hash == key_hash)


def find_caller_by_id(connection: Connection, key_id: UUID) -> Caller | None:
    """Return the caller of the key with this id; None if it does not exist, is revoked or has expired."""
    return _find_caller(connection, api_keys.c.id == key_id)


def existing_keys(connection: Connection, names: Collection[bytes]) -> set[bytes]:
    """Return which of these hashes and ids (16 bytes) belong to a key, valid or not."""
    ids = [UUID(bytes=name) for name in names if len(name) == _ID_BYTES]
    hashes = [name for name in names if len(name) != _ID_BYTES]
    # As arrays: one statement for any number of keys.
    by_hash = api_keys.c.key_hash == any_(bindparam("hashes", hashes, ARRAY(LargeBinary)))
    by_id = api_keys.c.id == any_(bindparam("ids", ids, ARRAY(Uuid)))
    found = connection.execute(select(api_keys.c.id, api_keys.c.key_hash).where(or_(by_hash, by_id)))
    return {name for row in found for name in (row.id.bytes, bytes(row.key_hash))}


_is_not_over: Final = or_(api_keys.c.expires_at.is_(None), api_keys.c.expires_at > func.now())


def _find_caller(connection: Connection, which: ColumnElement[bool]) -> Caller | None:
    names = func.array_agg(func.jsonb_build_array(tenant_aliases.c.dialect, tenant_aliases.c.alias))
    aliases = select(names).where(tenant_aliases.c.tenant_id == tenants.c.id).scalar_subquery()
    query = (
        select(
            api_keys.c.id,
            api_keys.c.tenant_id,
            tenants.c.name,
            api_keys.c.scopes,
            aliases.label("aliases"),
            api_keys.c.sealed_secret,
            sealed_secret(tenants.c.id, "links").label("links"),
            sealed_secret(tenants.c.id, "access_tokens").label("access_tokens"),
            api_keys.c.expires_at,
        )
        .join(tenants)
        .where(which, api_keys.c.revoked_at.is_(None), _is_not_over)
    )
    row = connection.execute(query).one_or_none()
    if row is None:
        return None
    return Caller(
        row.id,
        row.tenant_id,
        row.name,
        frozenset(row.scopes),
        frozenset((dialect, alias) for dialect, alias in row.aliases or ()),
        open_secret(row.links, row.tenant_id, "links"),
        open_secret(row.access_tokens, row.tenant_id, "access_tokens"),
        unseal(bytes(row.sealed_secret), "api_keys", row.id).decode(),
        row.expires_at,
    )


def is_key(text: str) -> bool:
    """Say whether the text has the form of a key; it may not exist."""
    return _KEY.fullmatch(text) is not None


def hash_key(key: str) -> bytes:
    """Return the key's SHA-256; keys are random, so a slower hash is not needed."""
    return hashlib.sha256(key.encode()).digest()
