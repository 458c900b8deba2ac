"""`GET /v1/requests/{request_id}`: the status and outcome of a request."""

from datetime import timedelta
from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response, Security
from fastapi.security.utils import get_authorization_scheme_param

from db.ids import is_recent
from intake.auth.keys import Caller
from intake.auth.scopes import OUTCOMES
from intake.calls.access import caller_by_key, caller_of, documented
from intake.calls.send import REPLAYED
from intake.clock import utc_now
from intake.dialects.ticket_evolution.access import caller_by_signature
from intake.openapi.other_calls import SHOW_REQUEST
from intake.parts import PartsOfApp
from intake.routes.holds import hold_of_request
from intake.web.problems import not_found
from intake.web.responses import json_response
from intake.web.strict_routes import StrictRoute
from orders.reading.outcomes import RequestRow, find_requests
from schemas.text import parse_uuid

router = APIRouter(default_response_class=Response, route_class=StrictRoute, tags=["requests"])

_MAY_BE_PENDING: Final = timedelta(hours=24)


async def _caller(request: Request, _: object = Security(documented)) -> Caller:
    """Return the caller, also by the credentials of a dialect, as calls of dialects return this path."""
    headers = request.headers
    scheme, key = get_authorization_scheme_param(headers.get("authorization"))
    if "x-signature" in headers:
        return await caller_by_signature(request, b"", *OUTCOMES)
    if "x-acme-api-key" in headers:
        return await caller_by_key(request, headers["x-acme-api-key"], *OUTCOMES)
    if scheme.lower() == "zoho-oauthtoken":
        return await caller_by_key(request, key, *OUTCOMES)
    return await caller_of(request, *OUTCOMES)


@router.get("/v1/requests/{request_id}", summary="Show a request", **SHOW_REQUEST)
def show_request(request_id: str, parts: PartsOfApp, caller: Annotated[Caller, Depends(_caller)]) -> Response:
    """Return the status of the request; a repeated request has the outcome of the first.

    Requests are stored when they are processed, or when they wait for their order. Until then an id is
    `pending` for a day; after that it is not found.
    """
    id_ = parse_uuid(request_id)
    if id_ is None:
        raise not_found()
    # A single statement needs no transaction around it.
    engine = parts.engine.execution_options(isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        row = find_requests(connection, [id_]).get(id_)
    if row is not None and row.tenant_id == caller.tenant_id:
        hold_id = hold_of_request(engine, row)
        body = row.body() | ({} if hold_id is None else {"hold_id": hold_id})
        return json_response(body, headers=REPLAYED if row.is_replay else None)
    if row is not None or not is_recent(id_, utc_now(), _MAY_BE_PENDING):
        raise not_found()
    return json_response(_pending(id_, caller).body())


def _pending(request_id: UUID, caller: Caller) -> RequestRow:
    return RequestRow(request_id, caller.tenant_id, "pending", None, ())
