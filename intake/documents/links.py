"""Signed links to documents: a link works without a key until it expires.

What is signed (HMAC-SHA256) is the path and the moment of expiry, with a secret of the tenant's.
"""

import hmac
import re
from base64 import urlsafe_b64encode
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Literal
from urllib.parse import urlencode
from uuid import UUID

from intake.auth.tenant_signatures import mac

ImageKind = Literal["png", "svg"]

_PURPOSE: Final = b"link"
_SECONDS: Final = re.compile(r"[0-9]{1,12}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Links:
    """Makes the links to one tenant's documents; `secret` is the tenant's for links."""

    base_url: str
    tenant_id: UUID
    secret: bytes = field(repr=False)
    expires_at: datetime

    def order_pdf(self, order_id: UUID) -> str:
        """Return the URL of the order as a PDF."""
        return self._signed(order_path(order_id))

    def ticket_image(self, ticket_id: UUID, kind: ImageKind = "png") -> str:
        """Return the URL of the ticket's QR code."""
        return self._signed(image_path(ticket_id, kind))

    def digital_pass(self, ticket_id: UUID) -> str:
        """Return the URL of the ticket as a page for a phone."""
        return self._signed(pass_path(ticket_id))

    def _signed(self, path: str) -> str:
        expires = str(int(self.expires_at.timestamp()))
        query = urlencode({"expires": expires, "signature": _sign(self.secret, path, expires)})
        return f"{self.base_url.rstrip('/')}{path}?{query}"


def order_path(order_id: UUID) -> str:
    """Return the path of the order's PDF."""
    return f"/documents/orders/{order_id}.pdf"


def image_path(ticket_id: UUID, kind: ImageKind) -> str:
    """Return the path of the ticket's QR code."""
    return f"/documents/tickets/{ticket_id}.{kind}"


def pass_path(ticket_id: UUID) -> str:
    """Return the path of the ticket's pass."""
    return f"/documents/passes/{ticket_id}"


def is_good(secret: bytes, path: str, expires: str, signature: str, now: datetime) -> bool:
    """Say whether the path was signed with this secret and its link has not expired."""
    if _SECONDS.fullmatch(expires) is None:
        return False
    is_signed = hmac.compare_digest(_sign(secret, path, expires).encode(), signature.encode())
    return is_signed and now.timestamp() < int(expires)


def _sign(secret: bytes, path: str, expires: str) -> str:
    signature = mac(secret, _PURPOSE, path.encode(), expires.encode())
    return urlsafe_b64encode(signature).rstrip(b"=").decode()
