"""The path of a batch: requests in, outcomes out, one transaction.

validate → dedupe → price → allocate → persist → tickets → outbox. Each step works on the whole list, so
that the number of SQL statements does not grow with it; a request that a step rejects goes no further,
and its neighbours never notice.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection

from db.ids import new_ids
from orders import inbox
from orders.allocation import allocate, looks_free, seat
from orders.catalogue import load_offers
from orders.dead_letters import DeadLetter, bury
from orders.draft import Draft, alive
from orders.errors import RejectedRequest
from orders.inbox import Repeat
from orders.offers import Offers, pick
from orders.outbox import EventMessage, tell
from orders.persistence import make_rows, order_words, write_rows
from orders.pricing import price_order
from orders.render import to_json
from orders.requests_json import request_json
from orders.tenants import Tenant, load_tenants
from orders.validation import open_draft
from schemas.outcomes import Outcome, Rejection
from schemas.requests import Request


def process(connection: Connection, requests: Sequence[Request], *, now: datetime) -> list[Outcome]:
    """Return the outcome of each request, in their order; the caller commits.

    A request of an unknown tenant has nobody to answer to, and becomes a dead letter.
    """
    tenants = load_tenants(connection, (request.tenant for request in requests))
    known = [request for request in requests if request.tenant in tenants]
    drafts = [
        open_draft(request, tenants[request.tenant].id, order_id)
        for request, order_id in zip(known, new_ids(len(known)), strict=True)
    ]
    first, others = inbox.claim(connection, drafts, now) if drafts else ([], [])

    valid = alive(first)
    _price(valid, load_offers(connection, valid))
    priced = alive(valid)
    make_rows(looks_free(priced), tenants, now)
    # From here to the commit this batch holds the locks of the ticket classes it sells.
    allocate(connection, priced)
    confirmed = alive(priced)
    make_rows([draft for draft in confirmed if draft.rows is None], tenants, now)
    seat(connection, confirmed)
    write_rows(connection, confirmed)
    inbox.reject_late(connection, [draft for draft in valid if draft.is_rejected])

    repeats = inbox.find_repeats(connection, others, now)
    tell(connection, [*_told_of(first), *_told_of_conflicts(repeats)], now)
    outcomes = _outcomes(first, repeats)
    unanswerable = [request for request in requests if id(request) not in outcomes]
    bury(connection, (_dead_letter(request, tenants) for request in unanswerable), now)
    return [outcomes.get(id(request)) or Outcome(request.request_id, "dead") for request in requests]


def _price(drafts: Sequence[Draft], offers: dict[str, Offers]) -> None:
    for draft in drafts:
        assert draft.order is not None  # noqa: S101 - only well-formed requests come here
        try:
            draft.picked = pick(draft.order, offers[draft.tenant_id])
            draft.priced = price_order(draft.order, draft.picked, may_set_price=draft.request.may_set_price)
        except RejectedRequest as error:
            draft.reject(error)


def _told_of(drafts: Sequence[Draft]) -> list[EventMessage]:
    return [
        _rejected(draft, draft.rejections)
        if draft.is_rejected
        else EventMessage(
            draft.tenant_id, "order.confirmed", draft.order_id, 1, to_json(order_words(draft)).decode()
        )
        for draft in drafts
    ]


def _told_of_conflicts(repeats: Sequence[Repeat]) -> list[EventMessage]:
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


def _outcomes(first: Sequence[Draft], repeats: Sequence[Repeat]) -> dict[int, Outcome]:
    """Return the outcomes by the identity of their requests: a batch may hold one twice."""
    outcomes = {
        id(draft.request): Outcome(draft.request.request_id, "rejected", None, draft.rejections)
        if draft.is_rejected
        else Outcome(draft.request.request_id, "processed", UUID(draft.order_id))
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


def _dead_letter(request: Request, tenants: dict[str, Tenant]) -> DeadLetter:
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
