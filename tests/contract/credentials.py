"""One API key, sent in the way that each part of the intake wants it."""

import hmac
from base64 import b64encode
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from urllib.parse import urlsplit

import httpx
from requests import PreparedRequest
from requests.auth import AuthBase

from intake.auth.keys import create_key
from intake.auth.scopes import SCOPES
from tests.intakes import Intake


@dataclass
class Credentials(AuthBase):
    """Puts the key on each request, last of all, in place of whatever was generated."""

    id: str
    key: str
    secret: str
    token: str

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        for name, value in self._headers(request).items():
            request.headers[name] = value
        return request

    def _headers(self, request: PreparedRequest) -> dict[str, str]:
        path = request.path_url
        if path.startswith("/backstage/"):
            return {"Authorization": f"Zoho-oauthtoken {self.key}"}
        if path.startswith("/v1/b2c/"):
            return {"x-acme-api-key": self.key, "x-b2c-tenant-id": "t-1"}
        if path.startswith("/v9/"):
            return {"X-Token": self.id, "X-Signature": self._signature(request)}
        if path.startswith(("/orders/", "/events/")):
            return {"Authorization": f"Bearer {self.token}"}
        return {"Authorization": f"Bearer {self.key}"}

    def _signature(self, request: PreparedRequest) -> str:
        url = urlsplit(request.url or "")
        body = request.body or b""
        assert isinstance(body, str | bytes)  # nothing here streams
        content = (body if isinstance(body, bytes) else body.encode()) or url.query.encode()
        start = f"{request.method} {url.netloc}{url.path}?".encode()
        return b64encode(hmac.digest(self.secret.encode(), start + content, sha256)).decode()


def credentials_of(intake: Intake, caller: httpx.Client) -> Credentials:
    """Return a new key of the samples' tenant, with all that is made of it."""
    with intake.engine.begin() as connection:
        made = create_key(connection, "box-office", SCOPES[:-1], datetime.now(UTC))
    grant = {"grant_type": "client_credentials", "client_id": str(made.id), "client_secret": made.key}
    scope = {"scope": "event.list_order order.read"}
    token = caller.post("/connect/token", data=grant | scope).raise_for_status().json()["access_token"]
    return Credentials(made.id.hex, made.key, made.secret, token)
