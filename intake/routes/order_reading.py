"""`GET /v1/orders`, `GET /v1/orders/{id}` and its history, each for the key's tenant only."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from pydantic import AwareDatetime, BeforeValidator, Field
from sqlalchemy import Connection, Engine, select

from db.tables import orders
from intake.calls.access import Reader, caller_of
from intake.openapi.order_calls import LIST_ORDERS, SHOW_HISTORY, SHOW_ORDER
from intake.parts import PartsOfApp, parts_of
from intake.reads.one_moment import at_one_moment
from intake.requests.answer_plans import plan_for_one
from intake.web.conditions import is_known
from intake.web.problems import invalid, not_found
from intake.web.responses import etag, json_response, list_response, order_response
from intake.web.strict_routes import StrictRoute
from orders.reading.history import read_history
from orders.reading.order_reading import OrderFilter, get_order, list_ids
from orders.reading.outcomes import RequestRow
from orders.reading.pages import DEFAULT_PAGE, MAX_PAGE, BadCursor
from orders.reading.safe_rendering import as_json, show_each, showing
from orders.reading.snapshots import Needs, Snapshot
from orders.reading.wire_orders import read_rendered
from schemas.json import JsonObject
from schemas.order_fields import OrderStatus
from schemas.text import Identifier, ShortText, parse_uuid
from vendors.registry import CANONICAL

router = APIRouter(default_response_class=Response, route_class=StrictRoute, tags=["orders"])


def read_order(engine: Engine, order_id: UUID, tenant_id: UUID) -> JsonObject | None:
    """Return the tenant's order, or None."""
    with at_one_moment(engine).connect() as connection, showing(order_id, CANONICAL):
        return get_order(connection, order_id, tenant_id)


@router.get("/v1/orders/{order_id}", summary="Show an order", **SHOW_ORDER)
async def show_order(request: Request, order_id: str) -> Response:
    """Return the whole order. Its version is the entity tag, for `If-Match` and `If-None-Match`."""
    caller = await caller_of(request, "orders.read", is_in_turn=True)
    id_ = parse_uuid(order_id)
    known = request.headers.getlist("if-none-match")

    def make(snapshot: Snapshot, asked: RequestRow) -> Response | None:
        order = snapshot.order(asked.order_id, asked.tenant_id)
        if order is None:
            return None
        with showing(order.id, CANONICAL):
            if known and is_known(known, etag(order)):
                return Response(status_code=304, headers={"etag": etag(order), "cache-control": "no-store"})
            return order_response(order)

    # Read like the orders of outcomes: concurrent calls are answered from one read.
    asked = id_ and RequestRow(id_, caller.tenant_id, "processed", id_, ())
    reads = parts_of(request.app).reads
    response = await reads.answer(asked, plan_for_one(make, Needs.ORDER | Needs.OLD)) if asked else None
    if response is None:
        raise not_found()
    return response


@router.get("/v1/orders/{order_id}/history", summary="Show an order's history", **SHOW_HISTORY)
def show_history(order_id: str, parts: PartsOfApp, caller: Reader) -> Response:
    """Return every change of the order, oldest first: who, when, which fields, old and new values."""
    id_ = parse_uuid(order_id)
    if id_ is None:
        raise not_found()
    with at_one_moment(parts.engine).connect() as connection:
        if find_tenant_of_order(connection, id_) != caller.tenant_id:
            raise not_found()
        return json_response({"items": read_history(connection, id_)})


def find_tenant_of_order(connection: Connection, order_id: UUID) -> UUID | None:
    """Return the order's tenant, or None if the order does not exist."""
    return connection.scalars(select(orders.c.tenant_id).where(orders.c.id == order_id)).one_or_none()


def _given(value: Any) -> Any:
    return None if value == "" else value


# `?email=&status=` is how forms and templates leave out filters.
Given = BeforeValidator(_given)


@router.get("/v1/orders", summary="List orders", **LIST_ORDERS)
def list_page(
    request: Request,
    parts: PartsOfApp,
    caller: Reader,
    event_id: Annotated[
        Identifier | None, Given, Query(description="Only orders with a line of this event.")
    ] = None,
    email: Annotated[
        ShortText | None,
        Given,
        Query(description="Only orders of the buyer with exactly this e-mail address."),
    ] = None,
    status: Annotated[OrderStatus | None, Given, Query(description="Only orders in this status.")] = None,
    updated_since: Annotated[
        AwareDatetime | None,
        Given,
        Query(
            description="Only orders that changed at this time or later (RFC 3339; write + as %2B in a URL)."
        ),
    ] = None,
    cursor: Annotated[
        ShortText | None, Given, Query(description="`next_cursor` of the previous page.")
    ] = None,
    limit: Annotated[
        Annotated[int, Field(ge=1, le=MAX_PAGE)] | None,
        Given,
        Query(description=f"Number of orders per page; {DEFAULT_PAGE} by default."),
    ] = None,
) -> Response:
    """Return a page of orders, newest first. All filters apply together; unknown parameters are refused."""
    wanted = OrderFilter(caller.tenant_id, event_id, email, status, updated_since)

    def read(connection: Connection) -> Response:
        ids, next_cursor = list_ids(connection, wanted, cursor=cursor, limit=limit or DEFAULT_PAGE)
        page = show_each(ids, CANONICAL, lambda some: as_json(read_rendered(connection, some)))
        body = {"items": page.items, "next_cursor": next_cursor, "left_out": page.left_out}
        return list_response(body, page.left_out)

    try:
        # A caller that polls for changes would miss those that reach a standby late.
        return parts.stale_reads.read(request, read, is_newest=updated_since is not None)
    except BadCursor as error:
        raise invalid(str(error), "cursor") from error
