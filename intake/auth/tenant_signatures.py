"""Signatures made with a tenant's secrets (`db.tenant_secrets`)."""

import hmac
import secrets
from typing import Final

_BYTES: Final = 30


def mac(secret: bytes, *parts: bytes) -> bytes:
    """Return the HMAC-SHA256 of the parts, each with its length, so that parts cannot be shifted."""
    message = b"".join(len(part).to_bytes(4, "big") + part for part in parts)
    return hmac.digest(secret, message, "sha256")


def new_request_secret() -> str:
    """Return a secret with which a key's holder signs requests, in dialects that require it.

    It has 40 characters, 240 random bits: clients of Ticket Evolution accept no other length.
    """
    return secrets.token_urlsafe(_BYTES)
