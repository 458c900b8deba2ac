"""Access: the key in the header `Authorization` decides the tenant and the permitted calls."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Final
from uuid import UUID

from fastapi import Depends, Request, Security
from fastapi.security import HTTPBearer
from fastapi.security.utils import get_authorization_scheme_param

from intake.auth.authentication import KeysUnavailable, TooManyUnknown
from intake.auth.keys import Caller
from intake.auth.scopes import Scope
from intake.parts import parts_of
from intake.web.call_records import note_caller
from intake.web.problems import Problem, unavailable
from worker.runtime.metrics import LIMITED

SCHEME: Final = "API key"
"""The name of our security scheme on the OpenAPI page."""

# Declared for that page only: we read the header ourselves.
documented: Final = HTTPBearer(
    bearerFormat="wc_…",
    scheme_name=SCHEME,
    description="A key from `willcall keys create`. It decides the tenant, and its scopes the calls.",
    auto_error=False,
)

REALM: Final = 'Bearer realm="willcall"'
"""The challenge in the header `WWW-Authenticate` (RFC 6750, 3)."""


async def caller_of(request: Request, *scopes: Scope, is_in_turn: bool = False) -> Caller:
    """Return the caller, if the call's key has one of the scopes.

    A call that `is_in_turn` gets its turn where it is answered, and takes no share of the readers. Raises
    `Problem`: 401 without a valid key, 403 without a scope, 503 if the key cannot be checked, or as `admit`.
    """
    scheme, key = get_authorization_scheme_param(request.headers.get("authorization"))
    if scheme.lower() != "bearer" or not key:
        # Without an error code, as no key was sent (RFC 6750, 3.1).
        raise unauthorized("this call needs the header Authorization: Bearer KEY", REALM)
    return await caller_by_key(request, key, *scopes, is_in_turn=is_in_turn)


async def caller_by_key(request: Request, key: str, *scopes: Scope, is_in_turn: bool = False) -> Caller:
    """Return the caller of the key, wherever the call carries it. Raises as `caller_of`."""
    caller = await caller_if_known(request, key)
    if caller is None:
        raise unauthorized("the API key is unknown, revoked or expired", f'{REALM}, error="invalid_token"')
    await admit(request, caller, is_in_turn=is_in_turn)
    check_scopes(caller, *scopes)
    return caller


async def admit(request: Request, caller: Caller, *, is_in_turn: bool = False) -> None:
    """Admit a call of an authenticated caller, within the limits of its key and tenant.

    The call is recorded and counted. A reading call waits here while its tenant's share of the readers is
    taken, unless it `is_in_turn` where it is answered.
    Raises `Problem`: 429 for too many requests or reads; 503 also if the queue is full and the call would
    only be refused later.
    """
    note_use(request, caller)
    parts = parts_of(request.app)
    parts.quotas.count(caller)
    if request.method in ("GET", "HEAD"):
        if not is_in_turn:
            await parts.shares.enter(request.scope, caller.tenant_id)
    else:
        parts.quotas.check_queue(caller)


async def caller_if_known(request: Request, key: str | UUID) -> Caller | None:
    """Return the caller of a key, or None; a key's id is for dialects that sign with its secret.

    Nothing is counted yet: an id alone proves nothing, and `admit` follows a valid proof. Raises `Problem`:
    503 if the key cannot be checked, 429 for too many unknown keys.
    """
    parts = parts_of(request.app)
    address = request.client.host if request.client else ""
    try:
        return await parts.authenticator.find(key, address)
    except KeysUnavailable as error:
        raise unavailable("the key cannot be looked up at the moment") from error
    except TooManyUnknown as error:
        LIMITED.labels("unknown_keys_per_minute").inc()
        headers = {"retry-after": str(error.seconds)}
        raise Problem(429, "too many unknown keys came from your address", headers=headers) from error


def note_use(request: Request, caller: Caller) -> None:
    """Record the authenticated caller, for the log and for the key's last use."""
    note_caller(caller)
    parts_of(request.app).last_uses.note(caller.key_id)


def check_scopes(caller: Caller, *scopes: Scope) -> None:
    """Raise `Problem` with the status 403 unless the caller has one of the scopes."""
    if not any(caller.may(scope) for scope in scopes):
        raise _forbidden(scopes)


def allowed(*scopes: Scope) -> Callable[..., Awaitable[Caller]]:
    """Return `caller_of` as a dependency of a route."""

    async def caller(request: Request, _: object = Security(documented)) -> Caller:
        return await caller_of(request, *scopes)

    return caller


Reader = Annotated[Caller, Depends(allowed("orders.read"))]
"""The caller, as a parameter of a route that reads orders."""


def unauthorized(detail: str, challenge: str) -> Problem:
    """Return the problem of a call without valid credentials."""
    return Problem(401, detail, headers={"www-authenticate": challenge})


def _forbidden(scopes: tuple[Scope, ...]) -> Problem:
    challenge = f'{REALM}, error="insufficient_scope", scope="{scopes[0]}"'
    detail = f"the API key lacks the scope {' or '.join(scopes)}"
    return Problem(403, detail, headers={"www-authenticate": challenge})
