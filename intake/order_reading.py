"""`GET /v1/orders` and `GET /v1/orders/{id}`: what has become of requests, for their own tenant."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import AwareDatetime, BeforeValidator, Field
from sqlalchemy import Engine

from intake.access import allowed
from intake.answers import etag, json_response
from intake.ids import parse_id
from intake.keys import Caller
from intake.openapi import LIST_ORDERS, SHOW_ORDER
from intake.parts import PartsOfApp
from intake.problems import invalid, not_found
from orders.reading import DEFAULT_PAGE, MAX_PAGE, BadCursor, OrderFilter, get_order, list_orders
from orders.render import Words
from schemas.orders import OrderStatus
from schemas.text import Identifier, ShortText

router = APIRouter(default_response_class=Response, tags=["orders"])

Reader = Annotated[Caller, Depends(allowed("orders.read"))]


def _at_one_moment(engine: Engine) -> Engine:
    # An order is read by several statements: the version must fit the tickets.
    return engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)


def read_order(engine: Engine, order_id: UUID, tenant_id: UUID) -> Words | None:
    """Return the tenant's order, or None."""
    with _at_one_moment(engine).connect() as connection:
        return get_order(connection, order_id, tenant_id)


@router.get("/v1/orders/{order_id}", summary="Show an order", **SHOW_ORDER)
def show_order(request: Request, order_id: str, parts: PartsOfApp, caller: Reader) -> Response:
    """Return the whole order. Its version is the entity tag, for `If-Match` and `If-None-Match`."""
    id_ = parse_id(order_id)
    order = read_order(parts.engine, id_, caller.tenant_id) if id_ else None
    if order is None:
        raise not_found()
    tag = etag(order)
    known = request.headers.get("if-none-match", "")
    if tag in [one.strip().removeprefix("W/") for one in known.split(",")]:
        return Response(status_code=304, headers={"etag": tag, "cache-control": "no-store"})
    return json_response(order, headers={"etag": tag})


def _given(value: Any) -> Any:
    return None if value == "" else value


# `?email=&status=` is how forms and templates leave out what they do not restrict.
_Given = BeforeValidator(_given)


@router.get("/v1/orders", summary="List orders", **LIST_ORDERS)
def list_page(
    parts: PartsOfApp,
    caller: Reader,
    event_id: Annotated[
        Identifier | None, _Given, Query(description="Orders with a line of this event.")
    ] = None,
    email: Annotated[
        ShortText | None, _Given, Query(description="Orders of the buyer with this address, as written.")
    ] = None,
    status: Annotated[OrderStatus | None, _Given, Query(description="Orders in this status.")] = None,
    updated_since: Annotated[
        AwareDatetime | None,
        _Given,
        Query(description="Orders that changed then or later (RFC 3339; + is written %2B in a URL)."),
    ] = None,
    cursor: Annotated[
        ShortText | None, _Given, Query(description="`next_cursor` of the page before.")
    ] = None,
    limit: Annotated[
        Annotated[int, Field(ge=1, le=MAX_PAGE)] | None,
        _Given,
        Query(description=f"Orders on a page; {DEFAULT_PAGE} if not given."),
    ] = None,
) -> Response:
    """Return a page of orders, newest first. Restrictions add up; unknown parameters are ignored."""
    wanted = OrderFilter(caller.tenant_id, event_id, email, status, updated_since)
    try:
        with _at_one_moment(parts.engine).connect() as connection:
            items, next_cursor = list_orders(connection, wanted, cursor=cursor, limit=limit or DEFAULT_PAGE)
    except BadCursor as error:
        raise invalid(str(error), "cursor") from error
    return json_response({"items": items, "next_cursor": next_cursor})
