"""`POST /v1/orders`: order requests on their way to the queue, and their outcome for those who wait."""

import time
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from anyio import to_thread
from fastapi import APIRouter, Request, Response
from sqlalchemy.exc import SQLAlchemyError

from intake.access import caller_of
from intake.answers import etag, json_response
from intake.bodies import read_body
from intake.envelope import Envelope, open_envelope
from intake.openapi import CREATE_ORDERS
from intake.order_reading import read_order
from intake.parts import Parts, parts_of
from intake.preferences import wanted_wait
from intake.problems import Problem, unavailable
from orders.reading import RequestRow
from schemas.requests import CREATE
from worker.publishing import NotConfirmed

router = APIRouter(default_response_class=Response, tags=["orders"])

_POLL_AFTER = {"retry-after": "1"}


@router.post("/v1/orders", status_code=202, summary="Create orders", **CREATE_ORDERS)
async def create_orders(request: Request) -> Response:
    """Take one order request, or an array of 1 to 500, and answer when the broker has confirmed them.

    The same idempotency key with the same body is the same request, however often it is sent: its
    answer is the first order. Without a key each call is a new request. What the order asks for is
    looked at later: `Prefer: wait=N` waits up to N seconds for the outcome.
    """
    called_at = time.monotonic()
    # Asked for here, and not as dependencies: resolving those takes longer than the rest of the call.
    caller = await caller_of(request, "orders.create")
    parts = parts_of(request.app)
    body = await read_body(request)
    envelope = open_envelope(CREATE, body, request.headers.getlist("idempotency-key"), caller)
    try:
        await parts.publisher.publish(envelope.requests)
    except NotConfirmed as error:
        raise unavailable(
            "the broker did not confirm; send the same again, with the same idempotency key"
        ) from error
    seconds = wanted_wait(request.headers.getlist("prefer"))
    if not seconds:
        return _accepted(envelope, {})
    return await _wait(parts, envelope, called_at + seconds, {"preference-applied": f"wait={seconds}"})


async def _wait(parts: Parts, envelope: Envelope, deadline: float, headers: Mapping[str, str]) -> Response:
    ids = [one.request_id for one in envelope.requests]
    outcomes = await parts.outcomes.wait(ids, deadline)
    # A dead letter is no outcome: an operator may still send it again.
    if any(id_ not in outcomes or outcomes[id_].status == "dead" for id_ in ids):
        return _accepted(envelope, {**headers, **_POLL_AFTER})
    if envelope.is_array:
        return json_response([outcomes[id_].words() for id_ in ids], headers=headers)
    return await _outcome(parts, envelope, outcomes[ids[0]], headers)


def _accepted(envelope: Envelope, headers: Mapping[str, str]) -> Response:
    ids = [one.request_id for one in envelope.requests]
    accepted = [{"request_id": id_, "status_url": status_url(id_)} for id_ in ids]
    if envelope.is_array:
        return json_response(accepted, 202, headers)
    return json_response(accepted[0], 202, {"location": status_url(ids[0]), **headers})


async def _outcome(
    parts: Parts, envelope: Envelope, outcome: RequestRow, headers: Mapping[str, str]
) -> Response:
    if outcome.order_id is None:
        raise Problem(
            422,
            "; ".join(str(error["message"]) for error in outcome.errors),
            errors=outcome.errors,
            headers=headers,
            instance=status_url(outcome.request_id),
        )
    try:
        order = await to_thread.run_sync(read_order, parts.engine, outcome.order_id, outcome.tenant_id)
    except SQLAlchemyError:
        order = None
    if order is None:  # it is there, but cannot be read now
        return _accepted(envelope, {**headers, **_POLL_AFTER})
    return json_response(order, 201, {**headers, **_named(order)})


def _named(order: Mapping[str, Any]) -> dict[str, str]:
    return {"location": f"/v1/orders/{order['id']}", "etag": etag(order)}


def status_url(request_id: UUID) -> str:
    """Return where to ask what became of the request: a path, as proxies may have changed the host."""
    return f"/v1/requests/{request_id}"
