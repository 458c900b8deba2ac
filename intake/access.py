"""Access: the key in the header `Authorization` decides the tenant and what a call may do."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Final

from fastapi import Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from intake.authentication import KeysUnavailable
from intake.keys import Caller, Scope
from intake.parts import PartsOfApp
from intake.problems import Problem, unavailable

_bearer: Final = HTTPBearer(
    bearerFormat="wc_…",
    scheme_name="API key",
    description="A key of `willcall keys create`. It decides the tenant, and its scopes decide the calls.",
    auto_error=False,  # the problem document is ours
)

_REALM: Final = 'Bearer realm="willcall"'


def allowed(*scopes: Scope) -> Callable[..., Awaitable[Caller]]:
    """Return a dependency that gives the caller, if its key has one of the scopes.

    It raises `Problem`: 401 without a valid key, 403 without a scope, 503 when nobody can tell.
    """

    async def caller(
        parts: PartsOfApp, credentials: Annotated[HTTPAuthorizationCredentials | None, Security(_bearer)]
    ) -> Caller:
        if credentials is None:
            # Without an error code: who sends no key did nothing wrong yet (RFC 6750, 3.1).
            raise _unauthorized("this call needs the header Authorization: Bearer KEY", _REALM)
        try:
            found = await parts.authenticator.find(credentials.credentials)
        except KeysUnavailable as error:
            raise unavailable("the key cannot be looked up at the moment") from error
        if found is None:
            raise _unauthorized("the API key is unknown or revoked", f'{_REALM}, error="invalid_token"')
        if not any(found.may(scope) for scope in scopes):
            raise _forbidden(scopes)
        return found

    return caller


def _unauthorized(detail: str, challenge: str) -> Problem:
    return Problem(401, detail, headers={"www-authenticate": challenge})


def _forbidden(scopes: tuple[Scope, ...]) -> Problem:
    challenge = f'{_REALM}, error="insufficient_scope", scope="{scopes[0]}"'
    detail = f"the API key lacks the scope {' or '.join(scopes)}"
    return Problem(403, detail, headers={"www-authenticate": challenge})
