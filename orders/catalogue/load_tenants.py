"""Loading tenants, and the keys that sign their tickets."""

from collections.abc import Iterable
from functools import lru_cache

from sqlalchemy import Connection, text

from db.sealing import unseal
from db.tenant_secrets import open_secret
from orders.catalogue.tenants import Tenant
from orders.catalogue.ticket_codes import TicketKey
from schemas.catalogue import FraudRules
from schemas.order_fields import MAX_TICKETS
from schemas.text import is_storable

# The newest key of each tenant signs; older keys stay, so that their codes stay valid.
_TENANTS = text("""
    SELECT name, t.id::text, key.id AS key_id, key.sealed_key, secret.sealed AS group_secret, issues_tickets,
        cancels_unpaid, fraud_rules, returns_promo_uses
    FROM tenants t CROSS JOIN LATERAL (
        SELECT id, sealed_key FROM ticket_keys
        WHERE tenant_id = t.id ORDER BY created_at DESC, ticket_keys.id LIMIT 1
    ) AS key
    JOIN tenant_secrets secret ON secret.tenant_id = t.id AND secret.purpose = 'ticket_groups'
    WHERE name = ANY(CAST(:names AS text[]))
""")

_PUBLIC_KEYS = text("""
    SELECT id, public_key FROM ticket_keys
    WHERE CAST(:ids AS bigint[]) IS NULL OR id = ANY(CAST(:ids AS bigint[]))
""")


def load_tenants(
    connection: Connection, names: Iterable[str], *, max_tickets: int = MAX_TICKETS
) -> dict[str, Tenant]:
    """Return the existing tenants, by name; the names may be any text. Raises `SecretKeyUnusable`."""
    rows = connection.execute(_TENANTS, {"names": sorted(set(filter(is_storable, names)))})
    return {
        row.name: Tenant(
            row.id,
            row.name,
            _ticket_key(row.key_id, bytes(row.sealed_key)),
            open_secret(row.group_secret, row.id, "ticket_groups"),
            issues_on_payment=row.issues_tickets == "on_payment",
            cancels_unpaid=row.cancels_unpaid,
            fraud_rules=row.fraud_rules and FraudRules.model_validate(row.fraud_rules),
            returns_promo_uses=row.returns_promo_uses,
            max_tickets=max_tickets,
        )
        for row in rows
    }


# Cached, since deriving the verifying key takes longer than signing a code.
@lru_cache(maxsize=1_000)
def _ticket_key(key_id: int, sealed_key: bytes) -> TicketKey:
    return TicketKey(key_id, unseal(sealed_key, "ticket_keys", key_id))


def public_keys(connection: Connection, key_ids: Iterable[int] | None = None) -> dict[int, bytes]:
    """Return the public keys of these ids, or every one, by id: for verifying codes."""
    ids = None if key_ids is None else sorted(set(key_ids))
    return {row.id: bytes(row.public_key) for row in connection.execute(_PUBLIC_KEYS, {"ids": ids})}
