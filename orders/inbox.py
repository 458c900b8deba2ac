"""The inbox: each request has its effect once, whoever sends it how often."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import Connection, text

from db.bulk import array
from orders.draft import Draft
from schemas.outcomes import Outcome, Rejection

# Sorted, because of two batches with the same keys the one must wait for the other, and not both.
_CLAIM = text("""
    INSERT INTO requests
        (id, tenant_id, idempotency_key, kind, body_hash, status, order_id, errors, sent_by, processed_at)
    SELECT *, CAST(:now AS timestamptz)
    FROM unnest(
        CAST(:ids AS uuid[]), CAST(:tenant_ids AS uuid[]), CAST(:keys AS text[]),
        CAST(:kinds AS text[]), CAST(:hashes AS bytea[]), CAST(:statuses AS text[]),
        CAST(:order_ids AS uuid[]), CAST(:errors AS json[]), CAST(:senders AS text[]))
    ON CONFLICT DO NOTHING
    RETURNING id::text, tenant_id::text, idempotency_key,
        CASE WHEN order_id IS NOT NULL THEN nextval('order_numbers') END AS order_number
""")

_FIRST = text("""
    SELECT tenant_id::text, idempotency_key, id, body_hash, status, order_id, errors
    FROM requests
    WHERE (tenant_id, idempotency_key) IN (
        SELECT * FROM unnest(CAST(:tenant_ids AS uuid[]), CAST(:keys AS text[])))
""")

_REJECT = text("""
    UPDATE requests SET status = 'rejected', order_id = NULL, errors = late.errors
    FROM unnest(CAST(:ids AS uuid[]), CAST(:errors AS json[])) AS late (id, errors)
    WHERE requests.id = late.id
""")

_REMEMBER_REPEATS = text("""
    INSERT INTO request_repeats (id, original_id, is_conflict, created_at)
    SELECT *, CAST(:now AS timestamptz)
    FROM unnest(CAST(:ids AS uuid[]), CAST(:original_ids AS uuid[]), CAST(:conflicts AS bool[]))
    ON CONFLICT DO NOTHING
    RETURNING id
""")


@dataclass(frozen=True, slots=True)
class Repeat:
    """A request whose key was taken: by the same request earlier, or by another (a conflict).

    `is_new` is false when this very message was seen before, so that a conflict is told only once.
    """

    draft: Draft
    original: Outcome
    is_conflict: bool
    is_new: bool = False


CONFLICT = Rejection(
    "idempotency_conflict",
    "idempotency_key",
    "another request with this idempotency key and another body was received earlier",
)
"""The answer to a request that reuses a key with another body."""


def claim(connection: Connection, drafts: Sequence[Draft], now: datetime) -> tuple[list[Draft], list[Draft]]:
    """Insert or ignore a row for each request; return those that are first, and those that are not.

    Waits for another transaction that has inserted the same key, until that has ended. A well-formed
    request is written as processed; `reject_late` corrects those that a later step refuses. The order's
    number comes with it: one question less to the database.
    """
    ordered = sorted(drafts, key=lambda draft: (draft.tenant_id, draft.idempotency_key))
    rows = connection.execute(
        _CLAIM,
        {
            "now": now,
            "ids": array(draft.request_id for draft in ordered),
            "tenant_ids": array(draft.tenant_id for draft in ordered),
            "keys": array(draft.idempotency_key for draft in ordered),
            "kinds": array(draft.request.kind for draft in ordered),
            "hashes": array(draft.body_hash for draft in ordered),
            "statuses": array("rejected" if draft.is_rejected else "processed" for draft in ordered),
            # Which order another request is about turns out later.
            "order_ids": array(None if draft.order is None else draft.order_id for draft in ordered),
            "errors": array(errors_json(draft.rejections) for draft in ordered),
            "senders": array(draft.request.by for draft in ordered),
        },
    )
    claimed = {(row.id, row.tenant_id, row.idempotency_key): row.order_number for row in rows}
    first: list[Draft] = []
    others: list[Draft] = []
    for draft in drafts:
        row = (draft.request_id, draft.tenant_id, draft.idempotency_key)
        if row in claimed:
            draft.order_number = claimed.pop(row)  # the batch may hold the same message twice
            first.append(draft)
        else:
            others.append(draft)
    return first, others


def reject_late(connection: Connection, drafts: Sequence[Draft]) -> None:
    """Turn claimed requests that a later step refused into rejected ones."""
    if drafts:
        connection.execute(
            _REJECT,
            {
                "ids": array(draft.request_id for draft in drafts),
                "errors": array(errors_json(draft.rejections) for draft in drafts),
            },
        )


def find_repeats(connection: Connection, drafts: Sequence[Draft], now: datetime) -> list[Repeat]:
    """Return what became of the first request of each key, and remember the repeats under their ids.

    A draft that has no repeat could not be claimed although its key is new: its request id is taken.
    """
    if not drafts:
        return []
    rows = connection.execute(
        _FIRST,
        {
            "tenant_ids": array(draft.tenant_id for draft in drafts),
            "keys": array(draft.idempotency_key for draft in drafts),
        },
    )
    originals = {(row.tenant_id, row.idempotency_key): row for row in rows}
    repeats = []
    for draft in drafts:
        row = originals.get((draft.tenant_id, draft.idempotency_key))
        if row is None:
            continue
        outcome = Outcome(row.id, row.status, row.order_id, rejections_from_json(row.errors))
        repeats.append(Repeat(draft, outcome, bytes(row.body_hash) != draft.body_hash))
    return _remember(connection, repeats, now)


def _remember(connection: Connection, repeats: Sequence[Repeat], now: datetime) -> list[Repeat]:
    under_new_ids = {
        repeat.draft.request.request_id: repeat
        for repeat in repeats
        if repeat.draft.request.request_id != repeat.original.request_id
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
            repeat.draft,
            repeat.original,
            repeat.is_conflict,
            is_new=under_new_ids.get(repeat.draft.request.request_id) is repeat
            and repeat.draft.request.request_id in new,
        )
        for repeat in repeats
    ]


def errors_json(rejections: Sequence[Rejection]) -> str | None:
    """Return the rejections as the JSON of their column, or None for none."""
    if not rejections:
        return None
    return orjson.dumps([rejection.as_dict() for rejection in rejections]).decode()


def rejections_from_json(errors: Sequence[dict[str, Any]] | None) -> tuple[Rejection, ...]:
    """Return the rejections of a row."""
    return tuple(Rejection(error["code"], error["field"], error["message"]) for error in errors or ())
