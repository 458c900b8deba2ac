"""Requests that came before what they name: an order, a version of it, or a hold. They wait as rows."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, text

from db.bulk import array
from db.ids import is_recent
from orders.draft import Draft
from orders.errors import HoldExpired, RejectedRequest, UnknownOrder, VersionConflict
from orders.holding.holds import Hold
from orders.holding.requests import hold_ids
from orders.recovery.requests_json import request_json
from schemas.outcomes import Outcome

PATIENCE = timedelta(minutes=1)
"""How long a request waits for what it names."""

_WAITING_SINCE = text("""
    SELECT request_id, waits_since FROM delayed_requests
    WHERE request_id = ANY(CAST(:ids AS uuid[])) AND waits_since IS NOT NULL
""")

# It has had no effect yet: when it is tried again, it is as new.
_UNCLAIM = text("DELETE FROM requests WHERE id = ANY(CAST(:ids AS uuid[]))")

_WAIT = text("""
    INSERT INTO delayed_requests
        (request_id, kind, request, attempts, last_error, next_attempt_at, waits_since)
    VALUES (:request_id, :kind, :request, 0, :reason, :next_attempt_at, :now)
    ON CONFLICT (request_id) DO UPDATE
        SET next_attempt_at = excluded.next_attempt_at, attempts = 0, last_error = excluded.last_error,
            waits_since = COALESCE(delayed_requests.waits_since, excluded.waits_since)
""")


_DECIDED = text("SELECT id::text FROM requests WHERE id = ANY(CAST(:ids AS uuid[]))")


def wait_for_holds(
    connection: Connection,
    creations: Sequence[Draft],
    holds: Mapping[str, Hold],
    holdings: Sequence[Draft],
    now: datetime,
) -> list[Draft]:
    """Let new orders wait for holds that are still to be taken; return those that need not wait.

    A hold's id is that of the request that takes it: in this batch, or lately sent and without an outcome.
    """
    named: defaultdict[str, list[Draft]] = defaultdict(list)
    taking = {draft.request_id for draft in holdings}
    for draft in creations:
        for hold_id in hold_ids(draft):
            if str(hold_id) in taking or (str(hold_id) not in holds and is_recent(hold_id, now, PATIENCE)):
                named[str(hold_id)].append(draft)
    if not named:
        return list(creations)
    decided = {row.id for row in connection.execute(_DECIDED, {"ids": array(named)})} - taking
    for name in named.keys() - decided:
        for draft in named[name]:
            draft.is_waiting = True
    return [draft for draft in creations if not draft.is_waiting]


def keep_waiting(
    connection: Connection,
    valid: Sequence[Draft],
    others: Sequence[Draft],
    now: datetime,
    patience: timedelta,
) -> dict[int, Outcome]:
    """Keep those that wait; reject those that have waited long enough. Returns outcomes by identity."""
    waiting = [draft for draft in valid if draft.is_waiting]
    if not waiting:
        return {}
    for draft in _wait(connection, waiting, now=now, patience=patience):
        draft.is_waiting = False
        draft.reject(_came_too_early(draft))
    keys = {(draft.tenant_id, draft.idempotency_key) for draft in waiting if draft.is_waiting}
    repeated = [draft for draft in others if (draft.tenant_id, draft.idempotency_key) in keys]
    for draft in repeated:
        draft.is_waiting = True
    _wait(connection, repeated, now=now, patience=patience)
    return {
        id(draft.request): Outcome(draft.request.request_id, "waiting")
        for draft in [*waiting, *repeated]
        if draft.is_waiting
    }


def _came_too_early(draft: Draft) -> RejectedRequest:
    if draft.order is not None:
        return HoldExpired("the hold that it names was not taken in time", "line_items")
    key = getattr(draft.asked, "order_key", None)
    expected = getattr(draft.asked, "expected_version", None)
    if draft.has_order:
        return VersionConflict(f"the order did not come to version {expected}", "expected_version")
    return UnknownOrder(f"no order was made by a request with the key {key}", "order_key")


def _wait(
    connection: Connection, drafts: Sequence[Draft], *, now: datetime, patience: timedelta
) -> list[Draft]:
    """Keep drafts that wait as rows, as if they had not come yet; return those that waited long enough."""
    if not drafts:
        return []
    ids = array(draft.request_id for draft in drafts)
    since: Mapping[UUID, Any] = {
        row.request_id: row.waits_since for row in connection.execute(_WAITING_SINCE, {"ids": ids})
    }
    late: list[Draft] = []
    early: list[Draft] = []
    for draft in drafts:
        began = since.get(draft.request.request_id, now)
        (late if now - began >= patience else early).append(draft)
    if early:
        connection.execute(_UNCLAIM, {"ids": array(draft.request_id for draft in early)})
        connection.execute(
            _WAIT,
            [
                {
                    "request_id": draft.request.request_id,
                    "kind": draft.request.kind,
                    "request": request_json(draft.request),
                    "reason": "it waits for what it names",
                    "next_attempt_at": now + _next_wait(now - since.get(draft.request.request_id, now)),
                    "now": now,
                }
                for draft in early
            ],
        )
    return late


def _next_wait(waited: timedelta) -> timedelta:
    """Return the wait until the next look: as long as it has waited, between one and ten seconds."""
    return min(max(waited, timedelta(seconds=1)), timedelta(seconds=10))
