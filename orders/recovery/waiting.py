"""Requests that came before what they name: an order, a version of it, or a hold. They wait as rows."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from sqlalchemy import Connection, text

from db.bulk import array
from orders.recovery.requests_json import request_json
from orders.requests import Opened

PATIENCE = timedelta(minutes=1)
"""How long a request waits for what it names."""

_WAITING_SINCE = text("""
    SELECT request_id::text, waits_since FROM delayed_requests
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


def keep_waiting(
    connection: Connection,
    valid: Sequence[Opened],
    others: Sequence[Opened],
    now: datetime,
    patience: timedelta,
) -> None:
    """Keep those that are too early as rows, and reject those that have waited long enough."""
    waiting = [request for request in valid if request.too_early is not None]
    if not waiting:
        return
    for request in _wait(connection, waiting, now=now, patience=patience):
        if request.too_early is not None:
            request.reject(request.too_early)
        request.too_early = None
    early = {(one.tenant.id, one.key): one.too_early for one in waiting if one.too_early is not None}
    repeated = [one for one in others if (one.tenant.id, one.key) in early]
    for request in repeated:
        request.too_early = early[request.tenant.id, request.key]
    _wait(connection, repeated, now=now, patience=patience)


def _wait(
    connection: Connection, requests: Sequence[Opened], *, now: datetime, patience: timedelta
) -> list[Opened]:
    """Keep requests as rows, as if they had not come yet; return those that waited long enough."""
    if not requests:
        return []
    ids = array(request.id for request in requests)
    since: Mapping[str, datetime] = {
        row.request_id: row.waits_since for row in connection.execute(_WAITING_SINCE, {"ids": ids})
    }
    late = [request for request in requests if now - since.get(request.id, now) >= patience]
    early = [request for request in requests if now - since.get(request.id, now) < patience]
    if early:
        connection.execute(_UNCLAIM, {"ids": array(request.id for request in early)})
        connection.execute(
            _WAIT,
            [
                {
                    "request_id": request.request.request_id,
                    "kind": request.request.kind,
                    "request": request_json(request.request),
                    "reason": "it waits for what it names",
                    "next_attempt_at": now + _next_wait(now - since.get(request.id, now)),
                    "now": now,
                }
                for request in early
            ],
        )
    return late


def _next_wait(waited: timedelta) -> timedelta:
    """Return the wait until the next look: as long as it has waited, between one and ten seconds."""
    return min(max(waited, timedelta(seconds=1)), timedelta(seconds=10))
