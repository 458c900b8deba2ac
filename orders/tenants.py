"""Tenants and the keys that sign their tickets."""

from collections.abc import Iterable

from sqlalchemy import Connection, text

from orders.tickets import TicketKey
from schemas.text import is_storable

_TENANTS = text("SELECT name, id::text FROM tenants WHERE name = ANY(CAST(:names AS text[]))")

# The newest key of each tenant signs; the older ones stay, so that what they signed stays valid.
_KEYS = text("""
    SELECT DISTINCT ON (ticket_keys.tenant_id) tenant_id::text, id, private_key FROM ticket_keys
    WHERE tenant_id = ANY(CAST(:ids AS uuid[])) ORDER BY ticket_keys.tenant_id, created_at DESC, id
""")

_PUBLIC_KEYS = text("SELECT id, public_key FROM ticket_keys")


def tenant_ids(connection: Connection, names: Iterable[str]) -> dict[str, str]:
    """Return the ids of those tenants that exist, by name; the names may be any text."""
    rows = connection.execute(_TENANTS, {"names": sorted(set(filter(is_storable, names)))})
    return {row.name: row.id for row in rows}


def signing_keys(connection: Connection, ids: Iterable[str]) -> dict[str, TicketKey]:
    """Return each tenant's newest signing key."""
    rows = connection.execute(_KEYS, {"ids": sorted(set(ids))})
    return {row.tenant_id: TicketKey(row.id, bytes(row.private_key)) for row in rows}


def public_keys(connection: Connection) -> dict[int, bytes]:
    """Return every public key by its id, for verifying codes."""
    return {row.id: bytes(row.public_key) for row in connection.execute(_PUBLIC_KEYS)}
