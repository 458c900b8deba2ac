"""Requests that came before the order, or the version of it, that they name."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import Connection

from orders.draft import Draft
from orders.errors import RejectedRequest, UnknownOrder, VersionConflict
from orders.finding import wait
from schemas.outcomes import Outcome


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
    for draft in wait(connection, waiting, now=now, patience=patience):
        draft.is_waiting = False
        draft.reject(_came_too_early(draft))
    keys = {(draft.tenant_id, draft.idempotency_key) for draft in waiting if draft.is_waiting}
    repeated = [draft for draft in others if (draft.tenant_id, draft.idempotency_key) in keys]
    for draft in repeated:
        draft.is_waiting = True
    wait(connection, repeated, now=now, patience=patience)
    return {
        id(draft.request): Outcome(draft.request.request_id, "waiting")
        for draft in [*waiting, *repeated]
        if draft.is_waiting
    }


def _came_too_early(draft: Draft) -> RejectedRequest:
    key = getattr(draft.asked, "order_key", None)
    expected = getattr(draft.asked, "expected_version", None)
    if draft.has_order:
        return VersionConflict(f"the order did not come to version {expected}", "expected_version")
    return UnknownOrder(f"no order was made by a request with the key {key}", "order_key")
