"""Authentication of Ticket Evolution's paths: `X-Token` names a key, and `X-Signature` proves it.

The signature is base64 of HMAC-SHA256 (RFC 2104), with the key's secret, over `METHOD host/path?` followed
by the sorted query of a GET, or the raw body of a POST or PUT: no scheme, no port, the `?` always there.
Clients that keep a port or `http://` are accepted, too.
"""

import hmac
import re
from base64 import b64encode
from collections.abc import Iterator
from typing import Final
from urllib.parse import parse_qsl, quote, quote_plus
from uuid import UUID

from fastapi import Request

from intake.auth.keys import Caller
from intake.auth.scopes import Scope
from intake.calls.access import admit, caller_if_known, check_scopes
from intake.web.methods import SENT_METHOD
from intake.web.problems import Problem

_WITH_BODY: Final = ("POST", "PUT", "PATCH")
_ID: Final = re.compile(r"[0-9a-f]{32}", re.ASCII)
_PORT: Final = re.compile(r":\d*$", re.ASCII)


async def caller_by_signature(request: Request, body: bytes, *scopes: Scope) -> Caller:
    """Return the caller, if the request is signed with the secret of the key.

    `X-Token` is the key's id as 32 letters and digits, and opens nothing by itself. Raises `Problem`: 401
    without a known token and its signature, 403 without a scope, 503 if the key cannot be checked, or as
    `admit`.
    """
    token, signature = request.headers.get("x-token"), request.headers.get("x-signature")
    if not token or not signature:
        raise _unauthorized("this call needs the headers X-Token and X-Signature")
    caller = await caller_if_known(request, UUID(token)) if _ID.fullmatch(token) else None
    if caller is None or not _is_signed(request, body, signature, caller):
        raise _unauthorized("the token is unknown, or the signature does not match this request")
    await admit(request, caller)
    check_scopes(caller, *scopes)
    return caller


def _is_signed(request: Request, body: bytes, signature: str, caller: Caller) -> bool:
    secret = caller.request_secret.encode()
    given = signature.strip().encode()
    # All are compared, each in constant time: the answer takes as long for a wrong one as for a right one.
    found = [
        hmac.compare_digest(b64encode(hmac.digest(secret, text, "sha256")), given)
        for text in signed_texts(request, body)
    ]
    return any(found)


def signed_texts(request: Request, body: bytes) -> Iterator[bytes]:
    """Return the texts that a signature may cover: clients sort and escape queries differently."""
    host = request.headers.get("host", "")
    method = request.scope.get(SENT_METHOD, request.method)
    path = request.scope.get("raw_path") or request.url.path.encode()
    query = request.scope.get("query_string", b"")
    contents = [body] if request.method in _WITH_BODY else list(_queries(query))
    # The client in PHP takes `https://` away and nothing else: over plain HTTP the scheme stays, and so does
    # a port that is not the usual one.
    for name in dict.fromkeys((_PORT.sub("", host), host, f"http://{_PORT.sub('', host)}", f"http://{host}")):
        start = f"{method} {name}".encode("latin-1") + path + b"?"
        for content in contents:
            yield start + content


def _queries(query: bytes) -> Iterator[bytes]:
    """Return a query as it came, sorted, and sorted and escaped by the two rules that there are."""
    yield query
    yield b"&".join(sorted(query.split(b"&")))
    pairs = sorted(parse_qsl(query.decode("latin-1"), keep_blank_values=True))
    for escape in (quote, quote_plus):
        yield "&".join(f"{escape(name, safe='')}={escape(value, safe='')}" for name, value in pairs).encode()


def _unauthorized(detail: str) -> Problem:
    return Problem(401, detail, headers={"www-authenticate": 'X-Signature realm="willcall"'})
