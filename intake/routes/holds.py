"""Holds over HTTP: each change is a request on the queue; and reading them."""

from datetime import datetime
from typing import Annotated, Final, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import Field
from sqlalchemy import Connection, Engine

from intake.auth.keys import Caller
from intake.calls.access import allowed, caller_of
from intake.calls.bodies import read_body, read_optional_body
from intake.calls.send import Refusals, call_of, check_processed, send
from intake.clock import utc_now
from intake.openapi.other_calls import EXTEND_HOLD, LIST_HOLDS, RELEASE_HOLD, SHOW_HOLD, TAKE_HOLD
from intake.parts import PartsOfApp
from intake.reads.one_moment import at_one_moment
from intake.requests.answer_plans import plan_for_one
from intake.requests.envelope import enclose, open_object
from intake.routes.order_reading import Given
from intake.web.problems import invalid, not_found
from intake.web.responses import json_response
from intake.web.strict_routes import StrictRoute
from orders.reading.hold_reading import HoldFilter, find_holds_of_requests, get_hold, list_holds
from orders.reading.outcomes import RequestRow
from orders.reading.pages import DEFAULT_PAGE, MAX_PAGE, BadCursor
from orders.reading.snapshots import Needs, Snapshot
from schemas.json import JsonObject
from schemas.text import Identifier, ShortText, parse_uuid
from willcall.kinds import EXTEND, RELEASE, TAKE

router = APIRouter(default_response_class=Response, route_class=StrictRoute, tags=["holds"])

# Callers that may read orders may read holds, which hold less.
HoldReader = Annotated[Caller, Depends(allowed("holds", "orders.read"))]

_NOTHING_SPECIAL: Final[Refusals] = {}
OF_HOLDS: Final[Refusals] = {"hold_expired": 404}


@router.post("/v1/holds", status_code=202, summary="Take a hold", **TAKE_HOLD)
async def take_hold(request: Request) -> Response:
    """Set tickets or named seats aside until a time, or until they are released.

    The hold's id is the `request_id` of the answer: an order line with that `hold_id` buys the held tickets.
    Sent again with the same idempotency key, the call returns the first request's hold.
    """
    call = call_of(request)
    caller = await caller_of(request, "holds")
    body = open_object(await read_body(request))
    return await send(call, enclose(TAKE, body, call.keys, caller), _TAKEN, shows_orders=False)


@router.post("/v1/holds/{hold_id}/extend", status_code=202, summary="Extend a hold", **EXTEND_HOLD)
async def extend_hold(request: Request, hold_id: str) -> Response:
    """Change the time until which a hold lasts; without `expires_at`, until it is released."""
    return await _change(request, EXTEND, hold_id)


@router.post("/v1/holds/{hold_id}/release", status_code=202, summary="Release a hold", **RELEASE_HOLD)
async def release_hold(request: Request, hold_id: str) -> Response:
    """Return held tickets to sale. Releasing a hold that has ended changes nothing."""
    return await _change(request, RELEASE, hold_id)


async def _change(request: Request, kind: str, hold_id: str) -> Response:
    call = call_of(request)
    caller = await caller_of(request, "holds")
    id_ = parse_uuid(hold_id)
    if id_ is None:
        raise not_found()
    body = open_object(await read_optional_body(request), ("hold_id",))

    def make(snapshot: Snapshot, outcome: RequestRow) -> Response | None:
        hold = snapshot.hold(id_, outcome.tenant_id)
        check_processed(outcome, _NOTHING_SPECIAL if hold else OF_HOLDS)
        return None if hold is None else json_response(hold)

    enclosed = enclose(kind, {**body, "hold_id": str(id_)}, call.keys, caller)
    plan = plan_for_one(make, Needs.NOTHING, id_)
    return await send(call, enclosed, plan, shows_orders=False)


def _taken(snapshot: Snapshot, outcome: RequestRow) -> Response | None:
    check_processed(outcome, _NOTHING_SPECIAL)
    hold_id = snapshot.holds_of_requests.get(outcome.request_id)
    hold = snapshot.hold(hold_id, outcome.tenant_id)
    return None if hold is None else json_response(hold, 201, {"location": f"/v1/holds/{hold_id}"})


_TAKEN: Final = plan_for_one(_taken, Needs.HOLD)


def read_hold(engine: Engine, hold_id: UUID, tenant_id: UUID, now: datetime) -> JsonObject | None:
    """Return the tenant's hold, or None."""
    with at_one_moment(engine).connect() as connection:
        return get_hold(connection, hold_id, tenant_id, now=now)


def hold_of_request(engine: Engine, outcome: RequestRow) -> UUID | None:
    """Return the hold that the request took, or None for a request that took none."""
    if outcome.status != "processed" or outcome.order_id is not None:
        return None  # every other request that was processed has an order
    with engine.connect() as connection:
        return find_holds_of_requests(connection, [outcome.request_id]).get(outcome.request_id)


@router.get("/v1/holds/{hold_id}", summary="Show a hold", **SHOW_HOLD)
def show_hold(hold_id: str, parts: PartsOfApp, caller: HoldReader) -> Response:
    """Return the hold and its status."""
    id_ = parse_uuid(hold_id)
    hold = read_hold(parts.engine, id_, caller.tenant_id, utc_now()) if id_ else None
    if hold is None:
        raise not_found()
    return json_response(hold)


@router.get("/v1/holds", summary="List holds", **LIST_HOLDS)
def list_page(
    request: Request,
    parts: PartsOfApp,
    caller: HoldReader,
    ticket_class_id: Annotated[
        Identifier | None, Given, Query(description="Only holds of this ticket class.")
    ] = None,
    status: Annotated[
        Literal["held", "used", "released", "expired"] | None,
        Given,
        Query(description="Only holds in this status."),
    ] = None,
    cursor: Annotated[
        ShortText | None, Given, Query(description="`next_cursor` of the previous page.")
    ] = None,
    limit: Annotated[
        Annotated[int, Field(ge=1, le=MAX_PAGE)] | None,
        Given,
        Query(description=f"Number of holds per page; {DEFAULT_PAGE} by default."),
    ] = None,
) -> Response:
    """Return a page of holds, newest first. All filters apply together; unknown parameters are refused."""
    wanted = HoldFilter(caller.tenant_id, ticket_class_id, status)

    def read(connection: Connection) -> Response:
        items, next_cursor = list_holds(
            connection, wanted, now=utc_now(), cursor=cursor, limit=limit or DEFAULT_PAGE
        )
        return json_response({"items": items, "next_cursor": next_cursor})

    try:
        return parts.stale_reads.read(request, read)
    except BadCursor as error:
        raise invalid(str(error), "cursor") from error
