"""What became of a batch: the outcome of each request, and what the world is told of it."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from orders import inbox
from orders.catalogue.tenants import Tenant
from orders.creating.rows import order_words
from orders.draft import Draft
from orders.inbox import Repeat
from orders.outbox import EventMessage
from orders.recovery.dead_letters import DeadLetter
from orders.recovery.requests_json import request_json
from orders.render import to_json
from schemas.outcomes import Outcome, Rejection
from schemas.requests import HOLDS, Request


def told_of(drafts: Sequence[Draft]) -> list[EventMessage]:
    """Return what there is to tell of rejections and of new orders; changes tell of themselves."""
    return [
        _rejected(draft, draft.rejections)
        if draft.is_rejected
        else EventMessage(
            draft.tenant_id, "order.confirmed", draft.order_id, 1, to_json(order_words(draft)).decode()
        )
        for draft in drafts
        if draft.is_rejected or draft.order is not None
    ]


def told_of_conflicts(repeats: Sequence[Repeat]) -> list[EventMessage]:
    """Return what there is to tell of keys that were used again with another body, once each."""
    return [
        _rejected(repeat.draft, (inbox.CONFLICT,))
        for repeat in repeats
        if repeat.is_conflict and repeat.is_new
    ]


def _rejected(draft: Draft, rejections: Sequence[Rejection]) -> EventMessage:
    data = {
        "request_id": draft.request_id,
        "kind": draft.request.kind,
        "tenant": draft.request.tenant,
        "idempotency_key": draft.idempotency_key,
        "errors": [rejection.as_dict() for rejection in rejections],
    }
    return EventMessage(draft.tenant_id, "order.rejected", draft.request_id, 1, to_json(data).decode())


def outcomes_of(first: Sequence[Draft], repeats: Sequence[Repeat]) -> dict[int, Outcome]:
    """Return the outcomes by the identity of their requests: a batch may hold one twice."""
    outcomes = {
        id(draft.request): Outcome(draft.request.request_id, "rejected", None, draft.rejections)
        if draft.is_rejected
        else Outcome(draft.request.request_id, "processed", _order_of(draft))
        for draft in first
    }
    for repeat in repeats:
        request = repeat.draft.request
        outcomes[id(request)] = (
            Outcome(request.request_id, "rejected", None, (inbox.CONFLICT,))
            if repeat.is_conflict
            else Outcome(
                request.request_id,
                repeat.original.status,
                repeat.original.order_id,
                repeat.original.errors,
            )
        )
    return outcomes


def _order_of(draft: Draft) -> UUID | None:
    return None if draft.request.kind in HOLDS else UUID(draft.order_id)


def dead_letter(request: Request, tenants: Mapping[str, Tenant]) -> DeadLetter:
    """Return the dead letter of a request that has nobody to answer to."""
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
