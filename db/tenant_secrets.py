"""A tenant's secrets: one for each purpose, random, 256 bits, sealed. They are independent of each other."""

import secrets
from datetime import datetime
from typing import Any, Final, Literal, get_args
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, ScalarSelect, select
from sqlalchemy.dialects.postgresql import insert

from db.sealed_rows import check_key
from db.sealing import seal, unseal
from db.tables import tenant_secrets

Purpose = Literal["links", "access_tokens", "ticket_groups"]
PURPOSES: Final[tuple[Purpose, ...]] = get_args(Purpose)

_BYTES: Final = 32


def renew_secrets(connection: Connection, tenant_id: UUID, *, now: datetime) -> None:
    """Replace the tenant's secrets; signatures of older ones become invalid. Raises `SecretKeyUnusable`."""
    check_key(connection)
    rows = [
        {
            "tenant_id": tenant_id,
            "purpose": purpose,
            "sealed": seal_secret(secrets.token_bytes(_BYTES), tenant_id, purpose),
            "created_at": now,
        }
        for purpose in PURPOSES
    ]
    statement = insert(tenant_secrets).values(rows)
    renewed = {name: statement.excluded[name] for name in ("sealed", "created_at")}
    connection.execute(statement.on_conflict_do_update(index_elements=["tenant_id", "purpose"], set_=renewed))


def sealed_secret(tenant_id: ColumnElement[Any], purpose: Purpose) -> ScalarSelect[bytes]:
    """Return the subquery of a tenant's sealed secret."""
    columns = tenant_secrets.c
    return (
        select(columns.sealed)
        .where(columns.tenant_id == tenant_id, columns.purpose == purpose)
        .scalar_subquery()
    )


def seal_secret(secret: bytes, tenant_id: UUID | str, purpose: Purpose) -> bytes:
    """Return the sealed secret, for `open_secret`."""
    return seal(secret, "tenant_secrets", tenant_id, purpose)


def open_secret(sealed: bytes, tenant_id: UUID | str, purpose: Purpose) -> bytes:
    """Return the secret. Raises `SecretKeyUnusable`."""
    return unseal(bytes(sealed), "tenant_secrets", str(tenant_id), purpose)
