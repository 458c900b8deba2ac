"""`/v9/orders`: creating and reading orders as in Ticket Evolution."""

import time
from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

from anyio import to_thread
from fastapi import APIRouter, Request, Response
from orjson import Fragment
from sqlalchemy import Connection

from intake.auth.keys import Caller
from intake.calls.bodies import JSON, read_body
from intake.calls.send import Call, call_of, send
from intake.dialects.openapi import describe_call, schema_of
from intake.dialects.render_orders import USUAL_WAIT_SECONDS, show
from intake.dialects.routing import refusing_with, requests_in
from intake.dialects.ticket_evolution.access import caller_by_signature
from intake.dialects.ticket_evolution.repeats import key_of_repeat
from intake.dialects.ticket_evolution.responses import NoOrderMade, answering_all, answering_one, rendered
from intake.dialects.ticket_evolution.search import PARAMETERS, wanted_orders
from intake.openapi.parts import NEWEST
from intake.parts import parts_of
from intake.requests.envelope import enclose_in_dialect
from intake.web.direct_routes import Handler
from intake.web.problems import Problem
from intake.web.responses import list_response
from orders.reading.order_pages import page_of_orders
from orders.reading.safe_rendering import as_json, show_each
from orders.reading.wire_orders import read_rendered
from schemas.json import JsonObject
from vendors import ticket_evolution
from vendors.ticket_evolution import DIALECT, layout_of
from vendors.ticket_evolution.offices import own_office, with_type
from vendors.ticket_evolution.request_models import OrdersCall
from vendors.ticket_evolution.response_models import Error, Errors, Order, OrderPage, Orders, RejectedOrders
from willcall.kinds import CREATE

VENDORS_JSON: Final = "application/vnd.ticketevolution.api+json"
"""The vendor's media type, with parameters such as `version=9`."""

# The vendor's client in JavaScript names no media type, and some runtimes then say text/plain. The
# signature covers the body, so that no page in a browser can make such a call for somebody else.
_MEDIA_TYPES: Final = (JSON, VENDORS_JSON, "text/plain", "")


def refusal(problem: Problem) -> tuple[int, Any]:
    """Return the status and the body of a refusal in this dialect's format."""
    if isinstance(problem, NoOrderMade):
        return problem.status, problem.body
    return ticket_evolution.refusal(problem.status, problem.detail, problem.errors)


class _Route(refusing_with(refusal)):  # type: ignore[misc] # a class that is made by a function
    """Answers in the vendor's media type, for clients that accept it."""

    def get_route_handler(self) -> Handler:
        handle: Handler = super().get_route_handler()

        async def answered(request: Request) -> Response:
            return in_their_type(request, await handle(request))

        return answered


def in_their_type(request: Request, response: Response) -> Response:
    """Return the response in the vendor's media type, where the call accepts that."""
    if VENDORS_JSON in request.headers.get("accept", "").lower():
        response.headers["content-type"] = f"{VENDORS_JSON}; version=9; charset=utf-8"
    return response


router = APIRouter(prefix="/v9", default_response_class=Response, route_class=_Route, tags=[DIALECT.name])

_REFUSED: Final = {"oneOf": [schema_of(DIALECT.name, one, "serialization") for one in (Errors, Error)]}
_NOT_MADE: Final = {"oneOf": [*_REFUSED["oneOf"], schema_of(DIALECT.name, RejectedOrders, "serialization")]}
_CREATE: Final = describe_call(
    {201: ("The orders, in their order.", schema_of(DIALECT.name, Orders, "serialization"))},
    _NOT_MADE,
    request=schema_of(DIALECT.name, OrdersCall, "validation"),
    example={
        "orders": [
            {
                "seller_id": 1,
                "client_id": 17,
                "shipped_items": [
                    {"items": [{"ticket_group_id": 3000000012232, "quantity": 2, "price": 45.5}]}
                ],
            }
        ]
    },
    waits=True,
    media_types=(JSON, VENDORS_JSON),
)
_SHOW: Final = describe_call({200: ("The order.", schema_of(DIALECT.name, Order, "serialization"))}, _REFUSED)
_LIST: Final = describe_call(
    {200: ("A page of orders, newest first.", schema_of(DIALECT.name, OrderPage, "serialization"))},
    _REFUSED,
    parameters=[*PARAMETERS, NEWEST],
)


@router.post("/orders", status_code=201, summary="Create orders", **_CREATE)
async def create_orders(request: Request) -> Response:
    """Create orders independently of each other, and answer with them in sequence once they are confirmed."""
    call = call_of(request)
    body = await read_body(request, _MEDIA_TYPES)
    caller = await caller_by_signature(request, body, "orders.create")
    requests = requests_in(DIALECT, body)
    layouts = [layout_of(one) for one in requests]
    requests = _with_types(caller, requests)
    keys = await _keys_of(call, caller, body)
    enclosed = enclose_in_dialect(DIALECT.name, CREATE, requests, keys, caller, is_array=len(requests) > 1)
    response = await send(
        call,
        enclosed,
        answering_one(layouts[0]),
        usual_wait=USUAL_WAIT_SECONDS,
        plan_for_all=answering_all(layouts),
    )
    if response.status_code == 202:
        # The path of the first; the body names all.
        response.headers.setdefault("location", f"/v1/requests/{enclosed.requests[0].request_id}")
    return response


async def _keys_of(call: Call, caller: Caller, body: bytes) -> list[str]:
    """Return what names the call: its `Idempotency-Key`, or its body where repeats are looked for."""
    parts = parts_of(call.request.app)
    if not parts.repeat_seconds:
        return call.keys
    return [await key_of_repeat(parts.engine, caller, body, parts.repeat_seconds, time.time())]


def _with_types(caller: Caller, requests: Sequence[JsonObject]) -> list[JsonObject]:
    """Return the orders with their types, as far as only the caller's offices tell them.

    Raises `Problem` with the status 404 if an order is of an office that is not the caller's.
    """
    found = [with_type(one, lambda name: caller.is_called(name, DIALECT.name)) for one in requests]
    for one in found:
        _, name = own_office(one)
        if name is not None and not caller.is_called(name, DIALECT.name):
            raise Problem(404, f"this key has no office {name[:64]!a}")
    return found


@router.get("/orders/{order_id}", summary="Show an order", **_SHOW)
async def show_order(request: Request, order_id: str) -> Response:
    """Return an order, by its number or its UUID; also one created in another dialect."""
    caller = await caller_by_signature(request, b"", "orders.read")
    engine = parts_of(request.app).engine
    return await to_thread.run_sync(
        show, engine, caller.tenant_id, order_id, ticket_evolution.answer, DIALECT.name
    )


@router.get("/orders", summary="List orders", **_LIST)
async def list_orders(request: Request) -> Response:
    """Return a page of at most 100 orders, newest first."""
    caller = await caller_by_signature(request, b"", "orders.read")
    return await to_thread.run_sync(_page, request, caller)


def _page(request: Request, caller: Caller) -> Response:
    wanted = wanted_orders(request, caller)
    offset = (wanted.page - 1) * wanted.per_page

    def read(connection: Connection) -> Response:
        ids, total = page_of_orders(connection, wanted.search, offset=offset, limit=wanted.per_page)

        def show_all(ids: Sequence[UUID]) -> list[Fragment]:
            return as_json(rendered(connection, caller.tenant_id, read_rendered(connection, ids)))

        shown = show_each(ids, DIALECT.name, show_all)
        page = {
            "orders": shown.items,
            "total_entries": total,
            "per_page": wanted.per_page,
            "current_page": wanted.page,
        }
        return list_response(page, shown.left_out)

    # A caller that polls for changes would miss those that reach a standby late.
    is_newest = bool(wanted.search.moments)
    return parts_of(request.app).stale_reads.read(request, read, is_newest=is_newest)
