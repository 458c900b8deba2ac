"""EventBookings' access tokens: OAuth 2 client credentials (RFC 6749, 4.4), made of API keys.

A client's id is the id of an API key, its secret the key itself. A token is the key's id, the moment it
expires and its scopes, signed with the tenant's secret: nothing is stored, and revoking a key revokes
its tokens.
"""

import base64
import binascii
import hmac
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal, get_args
from uuid import UUID

from intake.auth.keys import Caller
from intake.auth.tenant_signatures import mac

TokenScope = Literal["event.list_order", "order.read"]
TOKEN_SCOPES: Final[tuple[TokenScope, ...]] = get_args(TokenScope)

LIFETIME_SECONDS: Final = 3_600

_PURPOSE: Final = b"access token"
_ID, _EXPIRY, _MAC = 16, 8, 32
_LENGTH: Final = _ID + _EXPIRY + 1 + _MAC


@dataclass(frozen=True, slots=True)
class Token:
    """The content of a token; its signature proves it."""

    key_id: UUID
    expires_at: int
    """Unix seconds."""
    scopes: frozenset[TokenScope]
    signed: bytes
    signature: bytes

    def is_good(self, caller: Caller, now: datetime) -> bool:
        """Say whether it was made for this caller's key, and has not expired."""
        is_ours = hmac.compare_digest(mac(caller.token_secret, _PURPOSE, self.signed), self.signature)
        return is_ours and now.timestamp() < self.expires_at


def make_token(caller: Caller, scopes: frozenset[TokenScope], now: datetime) -> str:
    """Return a token for the caller's key."""
    expires_at = int(now.timestamp()) + LIFETIME_SECONDS
    granted = sum(1 << bit for bit, scope in enumerate(TOKEN_SCOPES) if scope in scopes)
    signed = caller.key_id.bytes + expires_at.to_bytes(_EXPIRY, "big") + bytes([granted])
    signature = mac(caller.token_secret, _PURPOSE, signed)
    return base64.urlsafe_b64encode(signed + signature).rstrip(b"=").decode()


def read_token(text: str) -> Token | None:
    """Return the token in the text, or None if it is not one. The signature is not checked."""
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
    if len(raw) != _LENGTH:
        return None
    signed, signature = raw[:-_MAC], raw[-_MAC:]
    scopes = frozenset(scope for bit, scope in enumerate(TOKEN_SCOPES) if signed[-1] & 1 << bit)
    expires_at = int.from_bytes(signed[_ID : _ID + _EXPIRY], "big")
    return Token(UUID(bytes=signed[:_ID]), expires_at, scopes, signed, signature)
