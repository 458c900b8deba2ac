"""Removes secrets from recordings: keys, signatures, tokens and the codes of tickets."""

import re
from base64 import b64decode
from binascii import Error as Base64Error
from collections.abc import Mapping
from typing import Final

HIDDEN: Final = "…"

CREDENTIALS: Final = ("authorization", "cookie", "x-acme-api-key", "x-signature", "x-token")
"""The headers with credentials."""

_LEAST: Final = 8  # characters of a secret: a shorter text may be part of other texts by chance

_NAME: Final = (
    r"[\w.-]*(?:secret|passw|token|signature|api[_-]?key|authorization|credential|cookie|session_?id)[\w.-]*"
)
_JSON_VALUE: Final = re.compile(
    rf'("(?!token_type"){_NAME}"\s*:\s*)(?:"(?:[^"\\]|\\.)*"|(?!null|true|false)[-+.\w]+)',
    re.ASCII | re.IGNORECASE,
)
_PAIR: Final = re.compile(rf"((?:^|[?&\s\"]){_NAME}=)[^&\s\"]+", re.ASCII | re.IGNORECASE)
# Our own keys, and whatever is as long as a ticket's code, a token or a signature.
_OPAQUE: Final = re.compile(r"wc_[\w-]{20,}|[\w-]{80,}|\beyJ[\w-]+\.[\w.-]+", re.ASCII)


class Discretion:
    """Hides secrets by their names and looks, and those that a call came with wherever they turn up again."""

    def __init__(self) -> None:
        self._seen: set[str] = set()

    def credentials(self, headers: Mapping[str, str]) -> dict[str, str]:
        """Return the headers that authenticate the caller, with their schemes, and hide their values."""
        found = {}
        for name, value in headers.items():
            if name in CREDENTIALS:
                scheme, _, rest = value.strip().rpartition(" ")
                found[name] = scheme if name == "authorization" else ""
                self._note(value, rest, *_basic(scheme, rest))
        return found

    def hide(self, text: str) -> str:
        """Return the text without secrets."""
        for secret in sorted(self._seen, key=len, reverse=True):
            text = text.replace(secret, HIDDEN)
        text = _JSON_VALUE.sub(rf'\1"{HIDDEN}"', text)
        text = _PAIR.sub(rf"\1{HIDDEN}", text)
        return _OPAQUE.sub(HIDDEN, text)

    def _note(self, *values: str) -> None:
        self._seen.update(value for value in values if len(value) >= _LEAST)


def _basic(scheme: str, credentials: str) -> tuple[str, ...]:
    """Return the secret of HTTP Basic (RFC 7617); the name before it is none."""
    if scheme.lower() != "basic":
        return ()
    try:
        return (b64decode(credentials, validate=True).decode().partition(":")[2],)
    except (Base64Error, ValueError):
        return ()
