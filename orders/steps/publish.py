"""The last step: write the event messages, and return the outcomes."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection

from orders.batch_requests import Opened
from orders.outbox import add_messages
from orders.recovery.dead_letters import DeadLetter, bury
from orders.recovery.requests_json import request_json
from orders.render import to_json
from orders.rows import MessageRow
from orders.steps.claim import CONFLICT, Claimed, Repeat, find_repeats
from orders.world import World
from schemas.outcomes import Outcome, Rejection
from schemas.requests import Request
from willcall.kinds import HOLDS


def publish(
    connection: Connection,
    world: World,
    claimed: Claimed,
    requests: Sequence[Request],
    now: datetime,
    max_event_bytes: int,
) -> list[Outcome]:
    """Write the event messages; return the outcome of each request, in order.

    A request that has no possible answer, from an unknown tenant or with another request's id, becomes a dead
    letter.
    """
    answered = [request for request in claimed.new if request.too_early is None]
    others = [request for request in claimed.others if request.too_early is None]
    repeats = find_repeats(connection, others, now)
    messages = [*_rejections(answered, repeats, now), *world.messages.values()]
    add_messages(connection, messages, max_event_bytes)
    outcomes = _outcomes(claimed, answered, repeats)
    unanswerable = [request for request in requests if id(request) not in outcomes]
    tenants = {request.tenant.name for request in [*claimed.new, *claimed.others]}
    bury(connection, (_dead_letter(request, tenants) for request in unanswerable), now)
    return [outcomes.get(id(request)) or Outcome(request.request_id, "dead") for request in requests]


def _rejections(answered: Sequence[Opened], repeats: Sequence[Repeat], now: datetime) -> list[MessageRow]:
    """Return the event messages of rejections; a conflict of idempotency keys has only one."""
    rejected = [(request, request.rejections) for request in answered if request.rejections]
    conflicts = [(repeat.opened, (CONFLICT,)) for repeat in repeats if repeat.is_conflict and repeat.is_new]
    return [_rejected(request, rejections, now) for request, rejections in [*rejected, *conflicts]]


def _rejected(request: Opened, rejections: Sequence[Rejection], now: datetime) -> MessageRow:
    data = {
        "request_id": request.id,
        "kind": request.request.kind,
        "tenant": request.tenant.name,
        "idempotency_key": request.key,
        "errors": [rejection.as_dict() for rejection in rejections],
    }
    return MessageRow(request.id, 1, request.tenant.id, "order.rejected", to_json(data).decode(), now)


def _outcomes(claimed: Claimed, answered: Sequence[Opened], repeats: Sequence[Repeat]) -> dict[int, Outcome]:
    """Return the outcomes by the identity of the request objects: a batch may hold a request twice."""
    outcomes = {id(request.request): _outcome(request) for request in answered}
    for repeat in repeats:
        request, original = repeat.opened.request, repeat.original
        outcomes[id(request)] = (
            Outcome(request.request_id, "rejected", None, (CONFLICT,))
            if repeat.is_conflict
            else Outcome(request.request_id, original.status, original.order_id, original.errors)
        )
    for waiting in [*claimed.new, *claimed.others]:
        if waiting.too_early is not None:
            outcomes[id(waiting.request)] = Outcome(waiting.request.request_id, "waiting")
    return outcomes


def _outcome(request: Opened) -> Outcome:
    id_ = request.request.request_id
    if request.rejections:
        return Outcome(id_, "rejected", None, request.rejections)
    is_of_order = request.request.kind not in HOLDS and request.order_id is not None
    return Outcome(id_, "processed", UUID(request.order_id) if is_of_order else None)


def _dead_letter(request: Request, tenants: set[str]) -> DeadLetter:
    if request.tenant in tenants:
        reason = "another request has this request_id"
    else:
        reason = f"there is no tenant {request.tenant}" if request.tenant else "it names no tenant"
    return DeadLetter(
        kind=request.kind,
        message=request_json(request),
        reason=reason,
        request_id=request.request_id,
        tenant=request.tenant,
    )
