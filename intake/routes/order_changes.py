"""Calls that change an order: an update, a cancellation, a payment; each a request on the queue."""

from typing import Any, Final
from uuid import UUID

from fastapi import APIRouter, Request, Response

from intake.calls.access import caller_of
from intake.calls.bodies import JSON, MERGE_PATCH, read_body, read_optional_body
from intake.calls.send import Call, call_of, send, with_order
from intake.openapi.order_calls import CANCEL_ORDER, RECORD_PAYMENT, UPDATE_ORDER
from intake.parts import parts_of
from intake.requests.envelope import enclose, open_object
from intake.web.conditions import expected_versions
from intake.web.problems import not_found
from intake.web.strict_routes import StrictRoute
from schemas.text import parse_uuid
from willcall.kinds import CANCEL, PAY, UPDATE

router = APIRouter(default_response_class=Response, route_class=StrictRoute, tags=["orders"])

_SAID_ELSEWHERE: Final = ("order_id", "order_key", "expected_version", "expected_versions")

_CHANGED = with_order()
_PAID = with_order(201)


@router.patch("/v1/orders/{order_id}", status_code=202, summary="Update an order", **UPDATE_ORDER)
async def update_order(request: Request, order_id: str) -> Response:
    """Merge a patch (RFC 7396) into the order, which is repriced; inventory is taken or returned.

    `null` removes an optional field, an array replaces the whole array: lines that are left out are
    removed from the order. With `If-Match` the update applies only if the order has one of those
    versions. Without it, updates apply in the order in which they were accepted, and the last one wins.
    """
    call = call_of(request)
    caller = await caller_of(request, "orders.update")
    named = _order_named(call, order_id)
    patch = open_object(await read_body(request, (MERGE_PATCH, JSON)))
    # A caller that names a version has stated the order of its changes.
    seen_version = (
        await parts_of(request.app).seen_versions.read(caller, UUID(named["order_id"]))
        if named.keys() == {"order_id"}
        else None
    )
    request_body = {**named, "patch": patch}
    enclosed = enclose(UPDATE, request_body, call.keys, caller, seen_version=seen_version)
    return await send(call, enclosed, _CHANGED)


@router.post("/v1/orders/{order_id}/cancel", status_code=202, summary="Cancel an order", **CANCEL_ORDER)
async def cancel_order(request: Request, order_id: str) -> Response:
    """Cancel the whole order, or the lines or tickets in the body.

    Tickets are voided and their inventory is free again. The amount paid is owed back, as a negative
    `balance`. Cancelling again changes nothing.
    """
    call = call_of(request)
    caller = await caller_of(request, "orders.update")
    named = _order_named(call, order_id)
    body = open_object(await read_optional_body(request), _SAID_ELSEWHERE)
    return await send(call, enclose(CANCEL, {**body, **named}, call.keys, caller), _CHANGED)


@router.post("/v1/orders/{order_id}/payments", status_code=202, summary="Record a payment", **RECORD_PAYMENT)
async def record_payment(request: Request, order_id: str) -> Response:
    """Record a completed or pending payment or refund; this moves no money.

    The default amount is the amount owed. `payment_number` completes a pending payment. Send an
    idempotency key: a repeated call is then the same payment.
    """
    call = call_of(request)
    caller = await caller_of(request, "payments.record")
    named = _order_named(call, order_id)
    body = open_object(await read_body(request), _SAID_ELSEWHERE)
    is_new = body.get("payment_number") is None
    enclosed = enclose(PAY, {**body, **named}, call.keys, caller)
    return await send(call, enclosed, _PAID if is_new else _CHANGED)


def _order_named(call: Call, order_id: str) -> dict[str, Any]:
    """Return the fields that name the order, and its expected versions."""
    id_ = parse_uuid(order_id)
    if id_ is None:
        raise not_found()
    named = {"order_id": str(id_)}
    versions = expected_versions(call.request.headers.getlist("if-match"))
    if versions is None:
        return named
    if len(versions) == 1:
        return {**named, "expected_version": versions[0]}
    # The order's version is compared under its lock: another change may be in the queue. And a repeated
    # call is the same request, whatever version the order has by then.
    return {**named, "expected_versions": versions}
