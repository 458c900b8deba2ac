"""Zoho Backstage's way to order: `/backstage/v3/portals/{portal_id}/events/{event_id}/orders`."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Request, Response, Security
from fastapi.security import APIKeyHeader
from fastapi.security.utils import get_authorization_scheme_param

from intake.auth.keys import Caller
from intake.auth.scopes import Scope
from intake.calls.access import caller_by_key
from intake.calls.bodies import read_body
from intake.calls.send import call_of, send
from intake.dialects.openapi import describe_call, schema_of
from intake.dialects.render_orders import USUAL_WAIT_SECONDS, show, with_order_in
from intake.dialects.routing import check_name, refusing_with, requests_in, with_names
from intake.parts import PartsOfApp
from intake.requests.answer_plans import Plan
from intake.requests.envelope import enclose_in_dialect
from intake.web.problems import Problem
from orders.reading.outcomes import RequestRow
from orders.reading.snapshots import Snapshot
from schemas.background import Background
from schemas.orders import Order
from schemas.text import parse_uuid
from vendors import zoho_backstage
from vendors.zoho_backstage import DIALECT
from vendors.zoho_backstage.errors import Refusal
from vendors.zoho_backstage.request_models import OrderBody
from vendors.zoho_backstage.response_models import PlacedOrder
from willcall.kinds import CREATE

_SCHEME: Final = "Zoho-oauthtoken"

# Declared for the OpenAPI page only: we read the header ourselves.
_documented: Final = APIKeyHeader(
    name="Authorization",
    scheme_name=_SCHEME,
    description=f"`{_SCHEME} KEY`, with a key from `willcall keys create`.",
    auto_error=False,
)


def refusal(problem: Problem) -> tuple[int, Any]:
    """Return the status and the body of a refusal in this dialect's format."""
    return problem.status, zoho_backstage.refusal(problem.status, problem.detail, problem.errors)


router = APIRouter(
    prefix="/backstage/v3/portals/{portal_id}/events/{event_id}/orders",
    default_response_class=Response,
    route_class=refusing_with(refusal),
    dependencies=[Security(_documented)],
    tags=["zoho_backstage"],
)

_ORDER: Final = schema_of(DIALECT.name, PlacedOrder, "serialization")
_REFUSAL: Final = schema_of(DIALECT.name, Refusal, "serialization")
_CREATE: Final = describe_call(
    {201: ("The order.", _ORDER)},
    _REFUSAL,
    request=schema_of(DIALECT.name, OrderBody, "validation"),
    example={
        "buyer_details": {"purchaser_first_name": "sam", "purchaser_email": "sam@example.com"},
        "tickets": [{"ticketclass_id": "3000000012232", "data": {"first_name": "sam"}}],
    },
    waits=True,
)
_SHOW: Final = describe_call({200: ("The order.", _ORDER)}, _REFUSAL)


def _allowed(scope: Scope) -> Callable[..., Awaitable[Caller]]:
    """Return a route's dependency: the caller for the portal.

    Raises `Problem`: 401, 403, or 404 for another's portal.
    """

    async def caller(request: Request, portal_id: str) -> Caller:
        challenge = {"www-authenticate": _SCHEME}
        scheme, key = get_authorization_scheme_param(request.headers.get("authorization"))
        if scheme.lower() != _SCHEME.lower() or not key:
            raise Problem(401, f"this call needs the header Authorization: {_SCHEME} KEY", headers=challenge)
        try:
            found = await caller_by_key(request, key, scope)
        except Problem as problem:
            problem.headers |= challenge if "www-authenticate" in problem.headers else {}
            raise
        check_name(found, DIALECT.name, portal_id)
        return found

    return caller


_creator = _allowed("orders.create")


@router.post("", status_code=201, summary="Create an order", **_CREATE)
async def create_order(request: Request, portal_id: str, event_id: str) -> Response:
    """Create an order of one event, and answer with it once it is confirmed.

    The vendor's scope `zohobackstage.order.CREATE` is our `orders.create`.
    """
    call = call_of(request)
    caller = await _creator(request, portal_id)
    requests = requests_in(DIALECT, await read_body(request))
    named = with_names(requests, portal_id=portal_id, event_id=event_id)
    enclosed = enclose_in_dialect(DIALECT.name, CREATE, named, call.keys, caller)
    return await send(call, enclosed, _created(named[0]), usual_wait=USUAL_WAIT_SECONDS)


def _created(sent: Mapping[str, Any]) -> Plan:
    """Return the plan that answers with the order; a rejection names the fields of this call."""
    with_order = with_order_in(zoho_backstage.answer, DIALECT.name, 201)

    def make(snapshot: Snapshot, outcomes: Sequence[RequestRow]) -> Response | None:
        try:
            return with_order.make(snapshot, outcomes)
        except Problem as problem:
            problem.errors = zoho_backstage.with_call_fields(sent, problem.errors)
            raise

    return replace(with_order, make=make)


@router.get("/{order_id}", summary="Show an order", **_SHOW)
def show_order(
    event_id: str,
    order_id: str,
    parts: PartsOfApp,
    caller: Annotated[Caller, Depends(_allowed("orders.read"))],
) -> Response:
    """Show an order by its number or its id. This call is our addition; the vendor documents none."""

    def is_of_event(order: Order, background: Background) -> bool:
        ids = {line.event_id: background.events[line.event_id].id for line in order.line_items}
        return event_id in ids or parse_uuid(event_id) in ids.values()

    answer = zoho_backstage.answer
    return show(parts.engine, caller.tenant_id, order_id, answer, DIALECT.name, is_of_event)
