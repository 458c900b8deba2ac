"""One API key, sent in the form that each part of the intake requires; recordings hold none."""

import hmac
import json
import re
from base64 import b64encode
from collections.abc import Callable
from typing import Final
from urllib.parse import urlsplit

from intake.auth.keys import NewKey
from intake.recording.exchanges import Exchange

_TOKEN_PATH: Final = "/connect/token"  # noqa: S105 - where tokens are had
_NOBODY: Final = "nobody"
_GRANT: Final = re.compile(r'((?:"?)client_(id|secret)(?:"\s*:\s*"|=))[^"&]*')

Send = Callable[[str, str, dict[str, str], bytes], tuple[int, str]]
"""Makes a call, and returns the status and the body of its answer."""


class Identity:
    """Whose calls a replay makes; `send` gets access tokens."""

    def __init__(self, made: NewKey, host: str, send: Send) -> None:
        self._made = made
        self._host = host
        self._send = send
        self._token = ""

    def body(self, exchange: Exchange, body: str) -> str:
        """Return the body, which has the credentials of a client where it asks for a token."""
        if not exchange.path.startswith(_TOKEN_PATH):
            return body
        own = {"id": str(self._made.id), "secret": self._made.key}
        return _GRANT.sub(lambda found: found[1] + own[found[2]], body)

    def headers(self, exchange: Exchange, path: str, body: bytes) -> dict[str, str]:
        """Return the headers with credentials, of the kinds that the recorded call had."""
        return {
            name: _NOBODY
            if exchange.status == 401
            else self._value(name, scheme, exchange.method, path, body)
            for name, scheme in exchange.credentials.items()
            if name != "cookie"
        }

    def _value(self, name: str, scheme: str, method: str, path: str, body: bytes) -> str:
        if name == "x-acme-api-key":
            return self._made.key
        if name == "x-token":
            return self._made.id.hex
        if name == "x-signature":
            return self._signature(method, path, body)
        if scheme.lower() == "basic":
            return f"{scheme} {b64encode(f'{self._made.id}:{self._made.key}'.encode()).decode()}"
        is_of_eventbookings = path.startswith(("/orders/", "/events/"))
        return f"{scheme} {self._access_token() if is_of_eventbookings else self._made.key}".strip()

    def _signature(self, method: str, path: str, body: bytes) -> str:
        url = urlsplit(path)
        signed = body if method in ("POST", "PUT", "PATCH") else url.query.encode()
        text = f"{method} {self._host}{url.path}?".encode() + signed
        return b64encode(hmac.digest(self._made.secret.encode(), text, "sha256")).decode()

    def _access_token(self) -> str:
        if not self._token:
            grant = {"grant_type": "client_credentials", "client_id": str(self._made.id)}
            body = json.dumps(grant | {"client_secret": self._made.key}).encode()
            _, answer = self._send("POST", _TOKEN_PATH, {"content-type": "application/json"}, body)
            self._token = json.loads(answer)["access_token"]
        return self._token
