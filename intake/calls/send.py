"""Calls that become requests on the queue: published with confirms, and answered with outcomes."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final
from uuid import UUID

from fastapi import Request, Response
from sqlalchemy.exc import SQLAlchemyError

from intake.parts import Parts, parts_of
from intake.requests.answer_plans import Plan, plan_for_one
from intake.requests.envelope import CallRequests
from intake.web.call_records import note_request
from intake.web.preferences import wanted_wait
from intake.web.problems import Problem, unavailable
from intake.web.responses import json_response, order_response
from orders.reading.outcomes import RequestRow, conflicting
from orders.reading.safe_rendering import showing
from orders.reading.snapshots import Needs, Snapshot
from schemas.outcomes import RejectionCode
from vendors.registry import CANONICAL
from willcall.publishing import NotConfirmed

Refusals = Mapping[RejectionCode, int]
"""The status of each rejection; 422 for those not listed."""

OF_ORDERS: Final[Refusals] = {"unknown_order": 404, "version_conflict": 412}

REPLAYED: Final = {"idempotency-replayed": "true"}
"""The header of a replayed answer: the same request was sent before."""

_POLL_AFTER: Final = {"retry-after": "1"}


@dataclass(frozen=True, slots=True)
class Call:
    """A call and its start, from which waits are measured."""

    request: Request
    called_at: float

    @property
    def keys(self) -> list[str]:
        """Return the headers `Idempotency-Key`."""
        return self.request.headers.getlist("idempotency-key")


def call_of(request: Request) -> Call:
    """Return the call, starting now."""
    return Call(request, time.monotonic())


def _outcomes(_: Snapshot, outcomes: Sequence[RequestRow]) -> Response:
    return json_response([outcome.body() for outcome in outcomes])


OUTCOMES: Final = Plan(_outcomes, Needs.NOTHING)
"""The answer to an array of requests: the outcome of each."""


async def send(
    call: Call,
    enclosed: CallRequests,
    plan: Plan,
    *,
    usual_wait: int = 0,
    plan_for_all: Plan = OUTCOMES,
    shows_orders: bool = True,
    replays: bool = True,
) -> Response:
    """Publish the requests, and wait for their outcome as long as the caller prefers.

    `plan` is for a single request, `plan_for_all` for an array. An answer that `shows_orders` is for
    callers that may read them; others get the outcomes. One that `replays` is, for a request sent before,
    the answer to the first, and marked so.
    Raises `Problem`: 413, 429 or 503 for too many requests, 503 if the broker does not confirm, or the
    answer's own.
    """
    parts = parts_of(call.request.app)
    note_request(enclosed.requests[0].request_id)
    if await parts.reused_keys.is_reused(enclosed):
        await _refuse_reused_key(parts, enclosed, plan)
    try:
        with parts.quotas.taking(enclosed.caller, len(enclosed.requests)):
            await parts.publisher.publish(enclosed.requests)
    except NotConfirmed as error:
        raise unavailable(
            "the broker did not confirm; send the same again, with the same idempotency key"
        ) from error
    preferences = call.request.headers.getlist("prefer")
    seconds = wanted_wait(preferences, usual_wait)
    if not seconds:
        # Clients that usually wait expect the time at which to come back.
        return _accepted(enclosed, _POLL_AFTER if usual_wait else {})
    is_preferred = wanted_wait(preferences) == seconds
    headers = {"preference-applied": f"wait={seconds}"} if is_preferred else {}
    deadline = call.called_at + seconds
    chosen = plan_for_all if enclosed.is_array else plan
    if shows_orders and not enclosed.is_for_reader:
        chosen = _without_orders(chosen, is_array=enclosed.is_array)
    return await _wait(parts, enclosed, deadline, chosen, headers, replays=replays)


async def _refuse_reused_key(parts: Parts, enclosed: CallRequests, plan: Plan) -> None:
    """Raise the `Problem` for an outcome that is known in advance."""
    outcome = conflicting(enclosed.requests[0].request_id, enclosed.caller.tenant_id)
    try:
        await parts.answers.answer(outcome, plan)
    except Problem as problem:
        problem.instance = None  # the request was not sent
        raise


def _without_orders(plan: Plan, *, is_array: bool) -> Plan:
    """Return the plan with outcomes in place of orders; the status stays the same."""

    def outcomes_only(snapshot: Snapshot, outcomes: Sequence[RequestRow]) -> Response | None:
        response = plan.make(snapshot, outcomes)
        bodies = [outcome.body() for outcome in outcomes]
        return None if response is None else _with_body(response, bodies if is_array else bodies[0])

    return replace(plan, make=outcomes_only)


def _with_body(response: Response, content: Any) -> Response:
    kept = {name: response.headers[name] for name in ("etag", "location") if name in response.headers}
    return json_response(content, response.status_code, kept)


async def _wait(
    parts: Parts,
    enclosed: CallRequests,
    deadline: float,
    plan: Plan,
    headers: dict[str, str],
    *,
    replays: bool,
) -> Response:
    def make(snapshot: Snapshot, outcomes: Sequence[RequestRow]) -> Response | None:
        # A dead letter is not an outcome: an operator may still replay it.
        if any(outcome.status == "dead" for outcome in outcomes):
            return None
        if replays and all(outcome.is_replay for outcome in outcomes):
            headers.update(REPLAYED)
        return plan.make(snapshot, outcomes)

    ids = [one.request_id for one in enclosed.requests]
    try:
        response = await parts.answers.wait(
            ids, enclosed.caller.tenant_id, replace(plan, make=make), deadline
        )
    except SQLAlchemyError:
        response = None
    except Problem as problem:
        problem.headers.update(headers)
        raise
    if response is None:
        return _accepted(enclosed, {**headers, **_POLL_AFTER})
    response.headers.update(headers)
    return response


def _accepted(enclosed: CallRequests, headers: Mapping[str, str]) -> Response:
    ids = [one.request_id for one in enclosed.requests]
    accepted = [{"request_id": id_, "status_url": status_url(id_)} for id_ in ids]
    if enclosed.is_array:
        return json_response(accepted, 202, headers)
    return json_response(accepted[0], 202, {"location": status_url(ids[0]), **headers})


def with_order(status: int = 200, refusals: Refusals = OF_ORDERS) -> Plan:
    """Return the plan that answers with the order after the request."""

    def make(snapshot: Snapshot, outcome: RequestRow) -> Response | None:
        check_processed(outcome, refusals)
        order = snapshot.order(outcome.order_id, outcome.tenant_id)
        if order is None:
            return None
        headers = {"location": f"/v1/orders/{order.id}"} if status == 201 else {}
        with showing(order.id, CANONICAL):
            return order_response(order, status, headers)

    return plan_for_one(make)


def check_processed(outcome: RequestRow, refusals: Refusals) -> None:
    """Raise the `Problem` of a rejection."""
    if outcome.status != "rejected":
        return
    statuses = [refusals[error["code"]] for error in outcome.errors if error["code"] in refusals]
    raise Problem(
        statuses[0] if statuses else 422,
        "; ".join(str(error["message"]) for error in outcome.errors),
        errors=outcome.errors,
        instance=status_url(outcome.request_id),
    )


def status_url(request_id: UUID) -> str:
    """Return the path of the request's status, without the host, which proxies may have changed."""
    return f"/v1/requests/{request_id}"
