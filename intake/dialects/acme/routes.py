"""ACME Ticketing's way to order: `/v1/b2c/orders`."""

from collections.abc import Sequence
from typing import Annotated, Any, Final
from urllib.parse import quote
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response, Security
from fastapi.security import APIKeyHeader
from orjson import Fragment
from sqlalchemy import Connection

from intake.auth.keys import Caller
from intake.calls.bodies import read_body
from intake.calls.send import Call, call_of, send
from intake.dialects.acme.calls import (
    KEY,
    REQUEST_UUID,
    TENANT,
    allowed,
    check_unconditional,
    deleted_order,
    enclose_call,
    in_acme,
    order_after,
    order_id_of,
    order_in_acme,
    order_object,
    plan_of,
)
from intake.dialects.acme.openapi import CREATE_ORDER, DELETE_ORDER, LIST_ORDERS, SHOW_ORDER, UPDATE_ORDER
from intake.dialects.acme.put_changes import changes_of_put
from intake.dialects.render_orders import USUAL_WAIT_SECONDS
from intake.dialects.routing import refusing_with
from intake.parts import PartsOfApp
from intake.reads.one_moment import at_one_moment
from intake.requests.answer_plans import WITH_ORIGINAL, Plan
from intake.requests.envelope import CallRequests
from intake.web.problems import Problem, invalid, not_found
from intake.web.responses import json_response, list_response
from orders.reading.event_listings import find_event
from orders.reading.newest_orders import Customer, orders_of_customer, orders_of_event
from orders.reading.order_reading import find_order
from orders.reading.outcomes import RequestRow
from orders.reading.safe_rendering import as_json, show_each
from orders.reading.snapshots import Needs, Snapshot
from orders.reading.wire_orders import read_rendered
from schemas.text import is_storable, parse_uuid
from vendors import acme
from vendors.acme import DIALECT
from willcall.kinds import CANCEL, CREATE, UPDATE

MAX_LIST: Final = 500
"""Orders in one list; the header `Link` leads to older ones."""


def refusal(problem: Problem) -> tuple[int, Any]:
    """Return the status and the body of a refusal in this dialect's format."""
    return problem.status, acme.refusal(problem.status, problem.detail, problem.errors)


# Declared for the OpenAPI page only: we read the headers ourselves.
_documented: Final = [
    Security(APIKeyHeader(name=KEY, scheme_name=KEY, description="A key.", auto_error=False)),
    Security(APIKeyHeader(name=TENANT, scheme_name=TENANT, description="The tenant.", auto_error=False)),
]

router = APIRouter(
    prefix="/v1/b2c/orders",
    default_response_class=Response,
    route_class=refusing_with(refusal),
    dependencies=_documented,
    tags=[DIALECT.name],
)

_Reader = Annotated[Caller, Depends(allowed("orders.read"))]
_creator = allowed("orders.create")
_Updater = Annotated[Caller, Depends(allowed("orders.update"))]
_Filter = Annotated[str | None, Query()]


def _list(request: Request, connection: Connection, caller: Caller, found: list[UUID]) -> Response:
    def show_all(ids: Sequence[UUID]) -> list[Fragment]:
        return as_json(in_acme(connection, caller.tenant_id, read_rendered(connection, ids)))

    listed = show_each(found[:MAX_LIST], DIALECT.name, show_all)
    headers = {}
    if len(found) > MAX_LIST:
        query = request.url.include_query_params(cursor=str(found[MAX_LIST - 1])).query
        # A header cannot hold every id of an event.
        headers["link"] = f'<{quote(request.scope["path"])}?{query}>; rel="next"'
    return list_response(listed.items, listed.left_out, headers)


def _cursor(value: str | None) -> Any:
    cursor = parse_uuid(value) if value else None
    if value and cursor is None:
        raise invalid("the cursor is not from a list", "cursor")
    return cursor


@router.get("", summary="List orders", **LIST_ORDERS)
def list_orders(
    request: Request,
    parts: PartsOfApp,
    caller: _Reader,
    visitorId: _Filter = None,
    tempVisitorId: _Filter = None,
    email: _Filter = None,
    phoneNumber: _Filter = None,
    cursor: _Filter = None,
) -> Response:
    """List the orders of a visitor, newest first. All filters must match; at least one is required."""
    # `?email=&phoneNumber=` is how forms leave out filters.
    customer = Customer(email or None, phoneNumber or None, visitorId or None, tempVisitorId or None)
    before = _cursor(cursor)

    def read(connection: Connection) -> Response:
        found = (
            orders_of_customer(connection, caller.tenant_id, customer, limit=MAX_LIST + 1, before=before)
            if all(is_storable(value) for value in customer.named().values())
            else []
        )
        return _list(request, connection, caller, found)

    return parts.stale_reads.read(request, read)


@router.get("/event/{eventId}", summary="List orders of an event", **LIST_ORDERS)
def list_orders_of_event(
    request: Request, eventId: str, parts: PartsOfApp, caller: _Reader, cursor: _Filter = None
) -> Response:
    """List the orders with an item of the event, newest first, by our id of the event or ACME's."""
    before = _cursor(cursor)

    def read(connection: Connection) -> Response:
        event = find_event(connection, caller.tenant_id, eventId) if is_storable(eventId) else None
        if event is None:
            raise not_found()
        found = orders_of_event(connection, event.id, limit=MAX_LIST + 1, before=before)
        return _list(request, connection, caller, found)

    return parts.stale_reads.read(request, read)


@router.get("/{id}", summary="Get an order", **SHOW_ORDER)
def get_order(id: str, parts: PartsOfApp, caller: _Reader) -> Response:
    """Show an order by its id, or by its number."""
    with at_one_moment(parts.engine).connect() as connection:
        order_id = find_order(connection, caller.tenant_id, id)
        response = order_id and order_in_acme(connection, caller.tenant_id, order_id)
    if not response:
        raise not_found()
    return response


@router.post("", status_code=201, summary="Create an order", **CREATE_ORDER)
async def create_order(request: Request) -> Response:
    """Create an order, and answer with its id once it is confirmed."""
    call = call_of(request)
    caller = await _creator(request)
    order = order_object(await read_body(request), caller)

    def id_of(_: Snapshot, outcome: RequestRow) -> Response:
        return json_response(str(outcome.order_id), 201)

    plan = plan_of(call, order, id_of, Needs.NOTHING)
    enclosed = enclose_call(CREATE, order, call, caller)
    # Every outcome holds the id, so no scope to read is needed.
    return await _send(call, enclosed, plan, shows_orders=False)


@router.put("/{id}", summary="Update an order", **UPDATE_ORDER)
async def update_order(request: Request, id: str, parts: PartsOfApp, caller: _Updater) -> Response:
    """Replace the order's fields by those of the order object; reprice the order, and answer with it.

    Fields that are the same as those read are no change; fields that cannot be changed are refused.
    """
    call = call_of(request)
    check_unconditional(request)
    order = order_object(await read_body(request), caller)
    order_id = await order_id_of(request, caller, id)
    if str(order.get("id") or id) not in (id, order_id):
        raise invalid("the body and the path name different orders", "id", status=422)
    # It is checked before the order is read, and is not sent; the key says with which version it is compared.
    unchanged = enclose_call(UPDATE, {**order, "id": order_id}, call, caller)
    compared = await changes_of_put(request, caller, order_id, order, key=unchanged.key)
    seen_version = compared.version or await parts.seen_versions.read(caller, UUID(order_id))
    named = {**compared.changes, "id": order_id}
    enclosed = enclose_call(UPDATE, named, call, caller, seen_version=seen_version)
    plan = plan_of(call, named, order_after, WITH_ORIGINAL)
    return await _send(call, enclosed, plan)


@router.delete("/{id}", summary="Delete an order", **DELETE_ORDER)
async def delete_order(request: Request, id: str, caller: _Updater) -> Response:
    """Cancel an order, and answer with it as it was. The amount paid is owed back."""
    call = call_of(request)
    check_unconditional(request)
    enclosed = enclose_call(CANCEL, {"id": await order_id_of(request, caller, id)}, call, caller)
    return await _send(call, enclosed, plan_of(call, {}, deleted_order, WITH_ORIGINAL))


async def _send(call: Call, enclosed: CallRequests, plan: Plan, *, shows_orders: bool = True) -> Response:
    # A reused request uuid has its own answer.
    replays = REQUEST_UUID not in call.request.headers
    return await send(
        call, enclosed, plan, usual_wait=USUAL_WAIT_SECONDS, shows_orders=shows_orders, replays=replays
    )


__all__ = ["MAX_LIST", "REQUEST_UUID", "router"]
