"""`POST /v1/orders`: sends order requests to the queue."""

from fastapi import APIRouter, Request, Response

from intake.calls.access import caller_of
from intake.calls.bodies import read_body
from intake.calls.send import call_of, send, with_order
from intake.openapi.order_calls import CREATE_ORDERS
from intake.requests.envelope import enclose_all
from intake.web.strict_routes import StrictRoute
from willcall.kinds import CREATE

router = APIRouter(default_response_class=Response, route_class=StrictRoute, tags=["orders"])

_CREATED = with_order(201)


@router.post("/v1/orders", status_code=202, summary="Create orders", **CREATE_ORDERS)
async def create_orders(request: Request) -> Response:
    """Accept one order request, or an array of 1 to 500, and answer once the broker has confirmed them.

    The same idempotency key with the same body is the same request, however often it is sent: its
    answer is the first order. Without a key each call is a new request. The order itself is
    processed later: `Prefer: wait=N` waits up to N seconds for the outcome.
    """
    call = call_of(request)
    # Called here, not as dependencies: resolving those takes longer than the rest of the call.
    caller = await caller_of(request, "orders.create")
    body = await read_body(request)
    return await send(call, enclose_all(CREATE, body, call.keys, caller), _CREATED)
