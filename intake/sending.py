"""Calls that become requests on the queue: published with a confirm, and their outcome for those who wait."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from anyio import to_thread
from fastapi import Request, Response
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from intake.answers import etag, json_response
from intake.call_records import note_request
from intake.envelope import Envelope
from intake.order_reading import read_order
from intake.parts import Parts, parts_of
from intake.preferences import wanted_wait
from intake.problems import Problem, unavailable
from orders.reading.orders import RequestRow, conflicting
from orders.reading.showing import showing
from schemas.outcomes import RejectionCode
from vendors.registry import CANONICAL
from worker.publishing import NotConfirmed

Refusals = Mapping[RejectionCode, int]
"""Which status a rejection has; 422 for those that are not named."""

Answer = Callable[[Engine, RequestRow], Response | None]
"""Makes the answer for a single request that has an outcome; None: what became of it cannot be read now.

It runs in a thread, and raises `Problem` for a rejection.
"""

AnswerAll = Callable[[Engine, Sequence[RequestRow]], Response]
"""Makes the answer for an array of requests that all have an outcome, in their order, in a thread."""

OF_ORDERS: Final[Refusals] = {"unknown_order": 404, "version_conflict": 412}

REPLAYED: Final = {"idempotency-replayed": "true"}
"""The header of an answer that was given before: the same request had come already."""

_POLL_AFTER: Final = {"retry-after": "1"}


@dataclass(frozen=True, slots=True)
class Call:
    """A call, and since when it is answered: who waits does so from then on."""

    request: Request
    called_at: float

    @property
    def keys(self) -> list[str]:
        """Return the headers `Idempotency-Key`."""
        return self.request.headers.getlist("idempotency-key")


def call_of(request: Request) -> Call:
    """Return the call, which begins now."""
    return Call(request, time.monotonic())


def _outcomes(engine: Engine, outcomes: Sequence[RequestRow]) -> Response:
    return json_response([outcome.words() for outcome in outcomes])


async def send(
    call: Call,
    envelope: Envelope,
    answer: Answer,
    *,
    usual_wait: int = 0,
    answer_all: AnswerAll = _outcomes,
    shows_orders: bool = True,
    replays: bool = True,
) -> Response:
    """Publish the requests, and wait for their outcome as long as the caller prefers.

    An answer that `shows_orders` is for callers that may read them; others get the outcomes. One that
    `replays` is, where the request was sent before, the answer to that one, and marked so.
    Raises `Problem`: 413, 429 or 503 where the requests are too many, 503 if the broker does not confirm, or
    what the answer raises.
    """
    parts = parts_of(call.request.app)
    note_request(envelope.requests[0].request_id)
    if await parts.reused_keys.is_reused(envelope):
        await to_thread.run_sync(_refuse_reused_key, parts.engine, envelope, answer)
    try:
        with parts.quotas.taking(envelope.caller, len(envelope.requests)):
            await parts.publisher.publish(envelope.requests)
    except NotConfirmed as error:
        raise unavailable(
            "the broker did not confirm; send the same again, with the same idempotency key"
        ) from error
    preferences = call.request.headers.getlist("prefer")
    seconds = wanted_wait(preferences, usual_wait)
    if not seconds:
        # A client that usually waits is of a kind that expects to be told when to come back.
        return _accepted(envelope, _POLL_AFTER if usual_wait else {})
    is_preferred = wanted_wait(preferences) == seconds
    headers = {"preference-applied": f"wait={seconds}"} if is_preferred else {}
    deadline = call.called_at + seconds
    is_whole = envelope.is_for_reader or not shows_orders
    answers = (answer, answer_all) if is_whole else (_without_order(answer), _without_orders(answer_all))
    return await _wait(parts, envelope, deadline, *answers, headers, replays=replays)


def _refuse_reused_key(engine: Engine, envelope: Envelope, answer: Answer) -> None:
    """Raise the `Problem` that is the answer to the outcome, which is known before there is one."""
    try:
        answer(engine, conflicting(envelope.requests[0].request_id, envelope.caller.tenant_id))
    except Problem as problem:
        problem.instance = None  # the request was not sent
        raise


def _without_order(answer: Answer) -> Answer:
    """Return the answer with the outcome in place of the order: the status says the same."""

    def outcome_only(engine: Engine, outcome: RequestRow) -> Response | None:
        response = answer(engine, outcome)
        return None if response is None else _with_body(response, outcome.words())

    return outcome_only


def _without_orders(answer_all: AnswerAll) -> AnswerAll:
    def outcomes_only(engine: Engine, outcomes: Sequence[RequestRow]) -> Response:
        return _with_body(answer_all(engine, outcomes), [outcome.words() for outcome in outcomes])

    return outcomes_only


def _with_body(response: Response, content: Any) -> Response:
    kept = {name: response.headers[name] for name in ("etag", "location") if name in response.headers}
    return json_response(content, response.status_code, kept)


async def _wait(
    parts: Parts,
    envelope: Envelope,
    deadline: float,
    answer: Answer,
    answer_all: AnswerAll,
    headers: Mapping[str, str],
    *,
    replays: bool,
) -> Response:
    ids = [one.request_id for one in envelope.requests]
    outcomes = await parts.outcomes.wait(ids, deadline)
    # A dead letter is no outcome: an operator may still send it again.
    if any(id_ not in outcomes or outcomes[id_].status == "dead" for id_ in ids):
        return _accepted(envelope, {**headers, **_POLL_AFTER})
    found = [outcomes[id_] for id_ in ids]
    if replays and all(outcome.is_replay for outcome in found):
        headers = {**headers, **REPLAYED}
    try:
        response = (
            await to_thread.run_sync(answer_all, parts.engine, found)
            if envelope.is_array
            else await to_thread.run_sync(answer, parts.engine, found[0])
        )
    except SQLAlchemyError:
        response = None
    except Problem as problem:
        problem.headers.update(headers)
        raise
    if response is None:
        return _accepted(envelope, {**headers, **_POLL_AFTER})
    response.headers.update(headers)
    return response


def _accepted(envelope: Envelope, headers: Mapping[str, str]) -> Response:
    ids = [one.request_id for one in envelope.requests]
    accepted = [{"request_id": id_, "status_url": status_url(id_)} for id_ in ids]
    if envelope.is_array:
        return json_response(accepted, 202, headers)
    return json_response(accepted[0], 202, {"location": status_url(ids[0]), **headers})


def with_order(status: int = 200, refusals: Refusals = OF_ORDERS) -> Answer:
    """Return the answer that is the order as it is after the request."""

    def answer(engine: Engine, outcome: RequestRow) -> Response | None:
        check_processed(outcome, refusals)
        if outcome.order_id is None:
            return None
        order = read_order(engine, outcome.order_id, outcome.tenant_id)
        if order is None:
            return None
        headers = {"etag": etag(order)}
        if status == 201:
            headers["location"] = f"/v1/orders/{order['id']}"
        with showing(outcome.order_id, CANONICAL):
            return json_response(order, status, headers)

    return answer


def check_processed(outcome: RequestRow, refusals: Refusals) -> None:
    """Raise the `Problem` that a rejection is."""
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
    """Return where to ask what became of the request: a path, as proxies may have changed the host."""
    return f"/v1/requests/{request_id}"
