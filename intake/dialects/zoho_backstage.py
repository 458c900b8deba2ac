"""`POST /backstage/v3/portals/{portal_id}/events/{event_id}/orders`: Zoho Backstage's way to order."""

from typing import Any, Final

from fastapi import APIRouter, Request, Response
from fastapi.security.utils import get_authorization_scheme_param

from intake.access import caller_by_key
from intake.bodies import read_body
from intake.dialects.answering import USUAL_WAIT_SECONDS, with_order_in
from intake.dialects.openapi import schema_of, words_of_call
from intake.dialects.routing import check_name, refusing_with, requests_in
from intake.envelope import enclose_in_dialect
from intake.keys import Caller
from intake.problems import Problem
from intake.sending import call_of, send
from schemas.requests import CREATE
from vendors import zoho_backstage
from vendors.zoho_backstage import DIALECT
from vendors.zoho_backstage.refusals import Refusal
from vendors.zoho_backstage.requests import OrderCall


def _refusal(problem: Problem) -> tuple[int, Any]:
    return problem.status, zoho_backstage.refusal(problem.status, problem.detail, problem.errors)


router = APIRouter(
    prefix="/backstage/v3",
    default_response_class=Response,
    route_class=refusing_with(_refusal),
    tags=["zoho_backstage"],
)

_CALL: Final = words_of_call(
    {201: ("The order.", {"type": "object"})},
    schema_of(DIALECT.name, Refusal, "serialization"),
    request=schema_of(DIALECT.name, OrderCall, "validation"),
    example={
        "buyer_details": {"purchaser_first_name": "sam", "purchaser_email": "sam@example.com"},
        "tickets": [{"ticketclass_id": "3000000012232", "data": {"first_name": "sam"}}],
    },
    waits=True,
)
_CREATED: Final = with_order_in(zoho_backstage.answer, 201)


async def _caller(request: Request) -> Caller:
    """Return who calls: `zohobackstage.order.CREATE` is our `orders.create`. Raises `Problem`."""
    scheme, key = get_authorization_scheme_param(request.headers.get("authorization"))
    if scheme.lower() != "zoho-oauthtoken" or not key:
        raise Problem(401, "this call needs the header Authorization: Zoho-oauthtoken KEY")
    return await caller_by_key(request, key, "orders.create")


@router.post(
    "/portals/{portal_id}/events/{event_id}/orders", status_code=201, summary="Create an order", **_CALL
)
async def create_order(request: Request, portal_id: str, event_id: str) -> Response:
    """Take an order of one event, and answer with it when it is confirmed."""
    call = call_of(request)
    caller = await _caller(request)
    check_name(caller, DIALECT.name, portal_id)
    requests = requests_in(DIALECT, await read_body(request))
    named = [{**one, "portal_id": portal_id, "event_id": event_id} for one in requests]
    envelope = enclose_in_dialect(DIALECT.name, CREATE, named, call.keys, caller)
    return await send(call, envelope, _CREATED, usual_wait=USUAL_WAIT_SECONDS)
