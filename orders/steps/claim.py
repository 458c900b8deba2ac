"""The first step: the inbox tells new requests from repeated ones, so that each takes effect once."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

import orjson
from sqlalchemy import Connection, text

from db.bulk import array
from db.ids import ids_of_request
from db.replicated import wait_for_earlier_commits
from orders.batch_requests import ChangeOrder, CreateOrder, Opened
from orders.catalogue.load_tenants import load_tenants
from orders.steps.validate import validated
from schemas.order_fields import MAX_TICKETS
from schemas.outcomes import Outcome, Rejection
from schemas.requests import Request
from willcall.kinds import CREATE

# Sorted: two batches with the same keys must wait for each other in one direction only.
_CLAIM: Final = text("""
    INSERT INTO requests
        (id, tenant_id, idempotency_key, kind, body_hash, status, order_id, errors, sent_by, processed_at)
    SELECT *, CAST(:now AS timestamptz)
    FROM unnest(
        CAST(:ids AS uuid[]), CAST(:tenant_ids AS uuid[]), CAST(:keys AS text[]),
        CAST(:kinds AS text[]), CAST(:hashes AS bytea[]), CAST(:statuses AS text[]),
        CAST(:order_ids AS uuid[]), CAST(:errors AS json[]), CAST(:senders AS text[]))
    ON CONFLICT DO NOTHING
    RETURNING id::text, tenant_id::text, idempotency_key,
        CASE WHEN kind = 'orders.create' AND order_id IS NOT NULL THEN nextval('order_numbers') END
            AS order_number
""")

_FIRST: Final = text("""
    SELECT tenant_id::text, idempotency_key, id, kind, body_hash, status, order_id, errors
    FROM requests
    WHERE (tenant_id, idempotency_key) IN (
        SELECT * FROM unnest(CAST(:tenant_ids AS uuid[]), CAST(:keys AS text[])))
""")

_CORRECT: Final = text("""
    UPDATE requests SET status = late.status, order_id = late.order_id, errors = late.errors
    FROM unnest(
        CAST(:ids AS uuid[]), CAST(:statuses AS text[]), CAST(:order_ids AS uuid[]), CAST(:errors AS json[]))
        AS late (id, status, order_id, errors)
    WHERE requests.id = late.id
""")

_REMEMBER_REPEATS: Final = text("""
    INSERT INTO request_repeats (id, original_id, is_conflict, created_at)
    SELECT *, CAST(:now AS timestamptz)
    FROM unnest(CAST(:ids AS uuid[]), CAST(:original_ids AS uuid[]), CAST(:conflicts AS bool[]))
    ON CONFLICT DO NOTHING
    RETURNING id
""")


@dataclass(frozen=True, slots=True)
class Claimed:
    """The requests of a batch after the claim."""

    new: list[Opened] = field(default_factory=list)
    valid: list[Opened] = field(default_factory=list)
    """The new valid requests, which are decided."""
    others: list[Opened] = field(default_factory=list)
    """The requests whose key was used before, by the same request or by another."""


@dataclass(frozen=True, slots=True)
class Repeat:
    """A request whose key was used before, by the same request or by another (a conflict).

    `is_new` is false if the same message was seen before, so that a conflict is published only once.
    """

    opened: Opened
    original: Outcome
    is_conflict: bool
    is_new: bool = False


CONFLICT: Final = Rejection(
    "idempotency_conflict",
    "idempotency_key",
    "another request with this idempotency key and another body was received earlier",
)
"""The answer to a request that reuses a key with another body or for another kind of request."""


def claim(
    connection: Connection, requests: Sequence[Request], now: datetime, max_tickets: int = MAX_TICKETS
) -> Claimed:
    """Insert or ignore a row for each request whose tenant exists; return which are new.

    Waits for other transactions that have inserted the same key. A valid request is written as processed;
    `correct` updates it if a later step decides otherwise. The same statement assigns the order's number,
    which saves a round trip.
    """
    names = (request.tenant for request in requests)
    tenants = load_tenants(connection, names, max_tickets=max_tickets)
    opened = [
        validated(request, tenants[request.tenant], _new_order_id(request, now))
        for request in requests
        if request.tenant in tenants
    ]
    return _insert(connection, opened, now) if opened else Claimed()


def _new_order_id(request: Request, now: datetime) -> str:
    """Return the id of the order that a request creates; the empty text if it is of another kind."""
    return next(ids_of_request(str(request.request_id), now, "orders")) if request.kind == CREATE else ""


def _insert(connection: Connection, opened: Sequence[Opened], now: datetime) -> Claimed:
    ordered = sorted(opened, key=lambda request: (request.tenant.id, request.key))
    for request in ordered:
        request.order_id = request.claimed_for = _order_id(request)
    rows = connection.execute(
        _CLAIM,
        {
            "now": now,
            "ids": array(request.id for request in ordered),
            "tenant_ids": array(request.tenant.id for request in ordered),
            "keys": array(request.key for request in ordered),
            "kinds": array(request.request.kind for request in ordered),
            "hashes": array(request.body_hash for request in ordered),
            "statuses": array("rejected" if request.rejections else "processed" for request in ordered),
            "order_ids": array(request.order_id for request in ordered),
            "errors": array(errors_json(request.rejections) for request in ordered),
            "senders": array(request.request.by for request in ordered),
        },
    )
    taken = {(id_, tenant_id, key): order_number for id_, tenant_id, key, order_number in rows}
    claimed = Claimed()
    for request in opened:
        row = (request.id, request.tenant.id, request.key)
        if row in taken:
            number = taken.pop(row)  # the batch may hold the same message twice
            if isinstance(request, CreateOrder):
                request.number = next(iter(request.request.order_numbers), number)
            claimed.new.append(request)
            if not request.rejections:
                claimed.valid.append(request)
        else:
            claimed.others.append(request)
    return claimed


def _order_id(request: Opened) -> str | None:
    """Return the order that the request creates or names by id; others are known later."""
    if isinstance(request, CreateOrder):
        return request.new_order_id
    if isinstance(request, ChangeOrder) and request.body.order_id is not None:
        return str(request.body.order_id)
    return None


def correct(connection: Connection, requests: Sequence[Opened]) -> None:
    """Update claimed requests that were rejected, or whose order is known only now."""
    changed = [
        request for request in requests if request.rejections or request.order_id != request.claimed_for
    ]
    if changed:
        connection.execute(
            _CORRECT,
            {
                "ids": array(request.id for request in changed),
                "statuses": array("rejected" if request.rejections else "processed" for request in changed),
                "order_ids": array(None if request.rejections else request.order_id for request in changed),
                "errors": array(errors_json(request.rejections) for request in changed),
            },
        )


def find_repeats(connection: Connection, requests: Sequence[Opened], now: datetime) -> list[Repeat]:
    """Return the outcome of the first request of each key, and store the repeats under their ids.

    A request without a result has a new key but could not be claimed: another request has its request id.
    """
    if not requests:
        return []
    wait_for_earlier_commits(connection)
    rows = connection.execute(
        _FIRST,
        {
            "tenant_ids": array(request.tenant.id for request in requests),
            "keys": array(request.key for request in requests),
        },
    )
    originals = {(row.tenant_id, row.idempotency_key): row for row in rows}
    repeats = []
    for request in requests:
        row = originals.get((request.tenant.id, request.key))
        if row is None:
            continue
        outcome = Outcome(row.id, row.status, row.order_id, rejections_from_json(row.errors))
        is_same = row.kind == request.request.kind and bytes(row.body_hash) == request.body_hash
        repeats.append(Repeat(request, outcome, is_conflict=not is_same))
    return _remember(connection, repeats, now)


def _remember(connection: Connection, repeats: Sequence[Repeat], now: datetime) -> list[Repeat]:
    under_new_ids = {
        repeat.opened.request.request_id: repeat
        for repeat in repeats
        if repeat.opened.request.request_id != repeat.original.request_id
    }
    if not under_new_ids:
        return list(repeats)
    ordered = sorted(under_new_ids)
    new = set(
        connection.scalars(
            _REMEMBER_REPEATS,
            {
                "now": now,
                "ids": ordered,
                "original_ids": [under_new_ids[id_].original.request_id for id_ in ordered],
                "conflicts": [under_new_ids[id_].is_conflict for id_ in ordered],
            },
        )
    )
    return [
        Repeat(
            repeat.opened,
            repeat.original,
            repeat.is_conflict,
            is_new=under_new_ids.get(repeat.opened.request.request_id) is repeat
            and repeat.opened.request.request_id in new,
        )
        for repeat in repeats
    ]


def errors_json(rejections: Sequence[Rejection]) -> str | None:
    """Return the rejections as JSON for their column, or None without any."""
    if not rejections:
        return None
    return orjson.dumps([rejection.as_dict() for rejection in rejections]).decode()


def rejections_from_json(errors: Sequence[dict[str, Any]] | None) -> tuple[Rejection, ...]:
    """Return the rejections of a row."""
    return tuple(Rejection(error["code"], error["field"], error["message"]) for error in errors or ())
