"""Secrets at rest are sealed, and each purpose has one of its own instead of what a ticket key made."""

import hmac
import secrets
from base64 import urlsafe_b64encode
from datetime import UTC, datetime
from uuid import UUID

from alembic import op
from sqlalchemy import Connection, text

from db.sealing import seal

revision = "2026_11_26_sealed_secrets"
down_revision = "2026_11_26_scopes"
branch_labels = None
depends_on = None

_TABLES = """
    CREATE TABLE tenant_secrets (
        tenant_id uuid NOT NULL REFERENCES tenants (id),
        purpose text NOT NULL,
        sealed bytea NOT NULL,
        created_at timestamptz NOT NULL,
        PRIMARY KEY (tenant_id, purpose)
    );
    ALTER TABLE api_keys ADD COLUMN sealed_secret bytea;
    ALTER TABLE ticket_keys ADD COLUMN sealed_key bytea;
"""

_FIRST_KEYS = text("""
    SELECT DISTINCT ON (tenant_id) tenant_id, private_key FROM ticket_keys ORDER BY tenant_id, created_at, id
""")

_PURPOSES = ("links", "access_tokens", "ticket_groups")

_ADD_SECRET = text("""
    INSERT INTO tenant_secrets (tenant_id, purpose, sealed, created_at)
    VALUES (:tenant, :purpose, :sealed, :now)
""")

# Without the column no row is sealed twice; a worker of the version before waits instead of signing with it.
_ONLY_SEALED = """
    ALTER TABLE api_keys ALTER COLUMN sealed_secret SET NOT NULL;
    ALTER TABLE ticket_keys ALTER COLUMN sealed_key SET NOT NULL, DROP COLUMN private_key;
"""


def upgrade() -> None:
    connection = op.get_bind()
    op.execute(_TABLES)
    first_keys = {row.tenant_id: bytes(row.private_key) for row in connection.execute(_FIRST_KEYS)}
    for row in connection.execute(text("SELECT id, tenant_id FROM api_keys")).all():
        # Clients that sign their requests go on with the secret that they have.
        secret = _request_secret(first_keys[row.tenant_id], row.id)
        _set(connection, "api_keys", "sealed_secret", seal(secret, "api_keys", row.id), row.id)
    for row in connection.execute(text("SELECT id, private_key FROM ticket_keys")).all():
        sealed = seal(bytes(row.private_key), "ticket_keys", row.id)
        _set(connection, "ticket_keys", "sealed_key", sealed, row.id)
    for tenant_id in connection.scalars(text("SELECT id FROM tenants")).all():
        for purpose in _PURPOSES:
            secret = seal(secrets.token_bytes(32), "tenant_secrets", tenant_id, purpose)
            values = {"tenant": tenant_id, "purpose": purpose, "sealed": secret, "now": datetime.now(UTC)}
            connection.execute(_ADD_SECRET, values)
    op.execute(_ONLY_SEALED)


def _set(connection: Connection, table: str, column: str, sealed: bytes, id_: UUID | int) -> None:
    statement = text(f"UPDATE {table} SET {column} = :sealed WHERE id = :id")  # noqa: S608 - our own names
    connection.execute(statement, {"sealed": sealed, "id": id_})


def _request_secret(first_key: bytes, key_id: UUID) -> bytes:
    """Return the secret as it was derived until now."""
    of_tenant = _mac(first_key, b"willcall intake")
    return urlsafe_b64encode(_mac(of_tenant, b"request signatures", key_id.bytes))[:40]


def _mac(secret: bytes, *parts: bytes) -> bytes:
    message = b"".join(len(part).to_bytes(4, "big") + part for part in parts)
    return hmac.digest(secret, message, "sha256")
