"""The operator's session: a signed cookie that names an API key, and a token against forged forms.

The cookie holds no key. It is signed with a secret of the tenant, and ends with the key, with the tenant's
secrets (`willcall secrets rotate`), or after twelve hours.
"""

import hmac
import re
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from urllib.parse import parse_qs
from uuid import UUID

from fastapi import Request, Response

from intake.auth.keys import Caller, is_key
from intake.auth.tenant_signatures import mac
from intake.calls.access import admit, caller_if_known
from intake.calls.bodies import read_body
from intake.clock import utc_now
from intake.web.problems import Problem

COOKIE: Final = "willcall_operator"
PATH: Final = "/operator"
LIFETIME: Final = timedelta(hours=12)

FORM: Final = "application/x-www-form-urlencoded"
_MAX_FORM_BYTES: Final = 64 * 1024

_COOKIE: Final = re.compile(r"([0-9a-f]{32})\.([0-9]{1,12})\.([A-Za-z0-9_-]{43})")

Form = dict[str, list[str]]


@dataclass(frozen=True, slots=True)
class Operator:
    """Who looks, and the token that the forms of the session carry."""

    caller: Caller
    token: str


class LoginNeeded(Exception):
    """The page needs a login."""


async def operator_of(request: Request) -> Operator:
    """Return who looks. Raises `LoginNeeded` without a valid session, or `Problem` as `admit` does."""
    found = _COOKIE.fullmatch(request.cookies.get(COOKIE, ""))
    if found is None:
        raise LoginNeeded
    key_id, expires, signature = found.groups()
    caller = await caller_if_known(request, UUID(hex=key_id))
    if caller is None or not _is_operator(caller) or int(expires) < utc_now().timestamp():
        raise LoginNeeded
    if not hmac.compare_digest(_sign(caller, expires), signature):
        raise LoginNeeded
    await admit(request, caller)
    return Operator(caller, _token(caller, expires))


async def log_in(request: Request, form: Form) -> str | None:
    """Return a new cookie for the key of the form; None for a key that may not look."""
    key = "".join(form.get("key", [])).strip()
    caller = await caller_if_known(request, key) if is_key(key) else None
    if caller is None or not _is_operator(caller):
        return None
    await admit(request, caller)
    expires = str(int((utc_now() + LIFETIME).timestamp()))
    return f"{caller.key_id.hex}.{expires}.{_sign(caller, expires)}"


def set_cookie(response: Response, cookie: str, *, is_secure: bool) -> None:
    """Give the browser its session: no script reads it, and no other site's page sends it along."""
    response.set_cookie(
        COOKIE,
        cookie,
        max_age=int(LIFETIME.total_seconds()),
        path=PATH,
        httponly=True,
        secure=is_secure,
        samesite="strict",
    )


async def read_form(request: Request, operator: Operator | None) -> Form:
    """Return the fields of a form. Raises `Problem` (403) for one that another site sent.

    Without an operator, at the login, only the browser's own header says where the form came from.
    """
    if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        raise _forged()
    body = await read_body(request, (FORM,), limit=_MAX_FORM_BYTES)
    form = parse_qs(body.decode("utf-8", "replace"), max_num_fields=300)
    if operator is not None:
        token = "".join(form.get("token", []))
        if not hmac.compare_digest(token.encode(), operator.token.encode()):
            raise _forged()
    return form


def _is_operator(caller: Caller) -> bool:
    return "admin" in caller.scopes


def _sign(caller: Caller, expires: str) -> str:
    return _encode(mac(caller.token_secret, b"operator session", caller.key_id.bytes, expires.encode()))


def _token(caller: Caller, expires: str) -> str:
    return _encode(mac(caller.token_secret, b"operator form", caller.key_id.bytes, expires.encode()))


def _encode(signature: bytes) -> str:
    return urlsafe_b64encode(signature).rstrip(b"=").decode()


def _forged() -> Problem:
    return Problem(403, "The form did not come from this page. Load the page again, and send it from there.")
