"""What the intake signs with, made of a tenant's first ticket key: nothing more is stored, or configured.

Every process computes the same. Each purpose has a secret of its own (HMAC-SHA256, RFC 2104), so that
nothing that was signed for one of them is good for another.
"""

import hmac
from base64 import urlsafe_b64encode
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, ScalarSelect, select

from db.tables import ticket_keys

_REQUESTS: Final = b"request signatures"


def first_ticket_key(tenant_id: ColumnElement[Any]) -> ScalarSelect[bytes]:
    """Return the subquery of the tenant's oldest private key, which stays when keys rotate."""
    return (
        select(ticket_keys.c.private_key)
        .where(ticket_keys.c.tenant_id == tenant_id)
        .order_by(ticket_keys.c.created_at, ticket_keys.c.id)
        .limit(1)
        .scalar_subquery()
    )


def tenant_secret(private_key: bytes) -> bytes:
    """Return what the tenant's secrets are made of; the private key itself signs nothing but tickets."""
    return mac(private_key, b"willcall intake")


def mac(secret: bytes, *parts: bytes) -> bytes:
    """Return the HMAC-SHA256 of the parts, each with its length, so that none can be moved to another."""
    message = b"".join(len(part).to_bytes(4, "big") + part for part in parts)
    return hmac.digest(secret, message, "sha256")


def request_secret(secret: bytes, key_id: UUID) -> str:
    """Return the secret that the holder of a key signs requests with, where a dialect wants that.

    It has 40 characters, 240 bits: clients of Ticket Evolution take no other length.
    """
    return urlsafe_b64encode(mac(secret, _REQUESTS, key_id.bytes)).decode()[:40]
