"""`POST /connect/token`: where clients of EventBookings get their access tokens."""

import base64
import binascii
from collections.abc import Mapping
from typing import Any, Final, Literal
from urllib.parse import parse_qsl, unquote_plus

from fastapi import APIRouter, Request, Response
from fastapi.security.utils import get_authorization_scheme_param

from intake.auth.keys import Caller
from intake.calls.access import caller_if_known, note_use
from intake.calls.bodies import JSON, read_body
from intake.clock import utc_now
from intake.dialects.eventbookings.tokens import LIFETIME_SECONDS, TOKEN_SCOPES, TokenScope, make_token
from intake.dialects.openapi import describe_call, schema_of
from intake.dialects.routing import refusing_with
from intake.parts import parts_of
from intake.web.problems import Problem
from intake.web.responses import json_response
from intake.web.strict_json import NotJson, parse_json
from schemas.text import WireModel, parse_uuid

FORM: Final = "application/x-www-form-urlencoded"


class TokenRequest(WireModel):
    """A client's request; its credentials are here, or in HTTP Basic."""

    grant_type: Literal["client_credentials"]
    client_id: str | None = None
    client_secret: str | None = None
    scope: str | None = None


class TokenAnswer(WireModel):
    """An access token (RFC 6749, 5.1)."""

    access_token: str
    token_type: Literal["Bearer"]
    expires_in: int
    scope: str


class TokenError(WireModel):
    """The reason why there is no token (RFC 6749, 5.2)."""

    error: str
    error_description: str


class _Refused(Problem):
    """Ends the call with an error of OAuth."""

    def __init__(self, error: str, detail: str, status: int = 400) -> None:
        headers = {"pragma": "no-cache"}
        if status == 401:
            headers["www-authenticate"] = 'Basic realm="willcall"'
        super().__init__(status, detail, headers=headers)
        self.error = error


def refusal(problem: Problem) -> tuple[int, Any]:
    """Return the status and the body of a refusal in this dialect's format."""
    # OAuth has no code for too many calls (RFC 6749, 5.2); this one also means to try again.
    is_passing = problem.status == 429 or problem.status >= 500
    usual = "temporarily_unavailable" if is_passing else "invalid_request"
    error = problem.error if isinstance(problem, _Refused) else usual
    # OAuth has one status for an invalid call (RFC 6749, 5.2).
    status = 400 if problem.status == 422 else problem.status
    return status, {"error": error, "error_description": problem.detail}


_MAX_BODY: Final = 8 * 1024
"""Maximum bytes: the caller is not authenticated yet."""

router = APIRouter(
    default_response_class=Response, route_class=refusing_with(refusal), tags=["eventbookings"]
)

_CALL: Final = describe_call(
    {200: ("The token.", schema_of("eventbookings", TokenAnswer, "serialization"))},
    schema_of("eventbookings", TokenError, "serialization"),
    request=schema_of("eventbookings", TokenRequest, "validation"),
    example={
        "grant_type": "client_credentials",
        "client_id": "0199c0de-0000-7000-8000-000000000001",
        "client_secret": "wc_…",
        "scope": " ".join(TOKEN_SCOPES),
    },
    media_types=(JSON, FORM),
)


@router.post("/connect/token", summary="Get an access token", **_CALL)
async def connect(request: Request) -> Response:
    """Return an access token for an hour. The client's id is that of an API key, its secret is the key."""
    given = await _parameters(request)
    grant_type = given.get("grant_type")
    if not grant_type:
        raise _Refused("invalid_request", "grant_type is missing")
    if grant_type != "client_credentials":
        raise _Refused("unsupported_grant_type", "grant_type must be client_credentials")
    caller = await _client(request, given)
    scopes = _scopes(caller, given.get("scope") or "")
    answer = {
        "access_token": make_token(caller, scopes, utc_now()),
        "token_type": "Bearer",
        "expires_in": LIFETIME_SECONDS,
        "scope": " ".join(scope for scope in TOKEN_SCOPES if scope in scopes),
    }
    return json_response(answer, headers={"pragma": "no-cache"})


async def _parameters(request: Request) -> Mapping[str, str]:
    body = await read_body(request, (FORM, JSON), limit=_MAX_BODY)
    is_form = request.headers["content-type"].partition(";")[0].strip().lower() == FORM
    try:
        pairs = (
            parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=50)
            if is_form
            else list(parse_json(body).items())
        )
    except (NotJson, ValueError, AttributeError) as error:
        raise _Refused("invalid_request", "the body must be a form or a JSON object") from error
    given = dict(pairs)
    if len(given) != len(pairs) or not all(isinstance(value, str) for value in given.values()):
        raise _Refused("invalid_request", "each parameter must be text and may be given once")
    return given


async def _client(request: Request, given: Mapping[str, str]) -> Caller:
    """Return the caller with these credentials. Raises `_Refused`, or `Problem`: 429 or 503."""
    scheme, credentials = get_authorization_scheme_param(request.headers.get("authorization"))
    if scheme and (given.get("client_secret") or scheme.lower() != "basic"):
        raise _Refused("invalid_request", "send credentials by HTTP Basic or in the body")
    if scheme:
        client_id, secret = _basic(credentials)
    else:
        client_id, secret = given.get("client_id", ""), given.get("client_secret", "")
    caller = await caller_if_known(request, secret)
    if caller is None or caller.key_id != parse_uuid(client_id):
        raise _Refused("invalid_client", "the client is unknown, or its secret is wrong", 401)
    note_use(request, caller)
    parts_of(request.app).quotas.count(caller)  # it sends nothing to the queue
    return caller


def _basic(credentials: str) -> tuple[str, str]:
    try:
        text = base64.b64decode(credentials, validate=True).decode()
    except (binascii.Error, ValueError):
        return "", ""
    client_id, _, secret = text.partition(":")
    return unquote_plus(client_id), unquote_plus(secret)  # RFC 6749, 2.3.1


def _scopes(caller: Caller, asked: str) -> frozenset[TokenScope]:
    """Return the requested scopes, or all. Raises `_Refused` if the key does not have them."""
    if not caller.may("orders.read"):
        raise _Refused("invalid_scope", "the API key lacks the scope orders.read")
    wanted = asked.split()
    unknown = [scope for scope in wanted if scope not in TOKEN_SCOPES]
    if unknown:
        raise _Refused("invalid_scope", f"the scopes are {' '.join(TOKEN_SCOPES)}")
    return frozenset(scope for scope in TOKEN_SCOPES if not wanted or scope in wanted)
