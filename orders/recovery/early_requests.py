"""Early requests: they came before the order, the version or the hold that they name, and wait as rows."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from sqlalchemy import Connection, text

from db.bulk import array
from orders.batch_requests import Opened
from orders.recovery.requests_json import request_json
from schemas.outcomes import Outcome
from schemas.requests import Request
from schemas.text import is_storable

PATIENCE = timedelta(minutes=1)
"""The maximum wait of a request for what it names."""

_WAITING_SINCE = text("""
    SELECT request_id::text, waits_since FROM delayed_requests
    WHERE request_id = ANY(CAST(:ids AS uuid[])) AND waits_since IS NOT NULL
""")

# It has had no effect yet: the next attempt processes it as a new request.
_UNCLAIM = text("DELETE FROM requests WHERE id = ANY(CAST(:ids AS uuid[]))")

_WAIT = text("""
    INSERT INTO delayed_requests
        (request_id, kind, request, attempts, last_error, next_attempt_at, waits_since, tenant, waits_for)
    VALUES (:request_id, :kind, :request, 0, :reason, :next_attempt_at, :now, :tenant, :waits_for)
    ON CONFLICT (request_id) DO UPDATE
        SET next_attempt_at = excluded.next_attempt_at, attempts = 0, last_error = excluded.last_error,
            waits_since = COALESCE(delayed_requests.waits_since, excluded.waits_since),
            tenant = excluded.tenant, waits_for = excluded.waits_for
""")

# Rows that another transaction has locked are being retried by it now. A missed wake-up costs seconds.
_WAKE = text("""
    UPDATE delayed_requests SET next_attempt_at = :now
    WHERE request_id IN (
        SELECT d.request_id
        FROM unnest(CAST(:tenants AS text[]), CAST(:names AS text[])) AS done (tenant, name)
        JOIN delayed_requests d ON d.tenant = done.tenant AND d.waits_for = done.name
        WHERE d.waits_for IS NOT NULL AND d.next_attempt_at > :now
        FOR UPDATE OF d SKIP LOCKED)
    RETURNING request_id
""")

_IS_ANY_WAITING = text("SELECT EXISTS (SELECT FROM delayed_requests WHERE waits_for IS NOT NULL)")


def delay_early(
    connection: Connection,
    valid: Sequence[Opened],
    others: Sequence[Opened],
    now: datetime,
    patience: timedelta,
) -> None:
    """Store early requests as rows, and reject those that have waited long enough."""
    waiting = [request for request in valid if request.too_early is not None]
    if not waiting:
        return
    for request in _wait(connection, waiting, now=now, patience=patience):
        if request.too_early is not None:
            request.reject(request.too_early.answer)
        request.too_early = None
    early = {(one.tenant.id, one.key): one.too_early for one in waiting if one.too_early is not None}
    repeated = [one for one in others if (one.tenant.id, one.key) in early]
    for request in repeated:
        request.too_early = early[request.tenant.id, request.key]
    _wait(connection, repeated, now=now, patience=patience)


def _wait(
    connection: Connection, requests: Sequence[Opened], *, now: datetime, patience: timedelta
) -> list[Opened]:
    """Store requests as rows, as if they had not arrived yet; return those that have waited long enough."""
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
                    "tenant": request.request.tenant,
                    "waits_for": request.too_early and request.too_early.waits_for,
                }
                for request in early
            ],
        )
    return late


def _next_wait(waited: timedelta) -> timedelta:
    """Return the time until the next attempt: as long as it has waited, between one and ten seconds."""
    return min(max(waited, timedelta(seconds=1)), timedelta(seconds=10))


def names_done(requests: Sequence[Request], outcomes: Sequence[Outcome]) -> Iterator[tuple[str, str]]:
    """Return the names that others may wait for, each with its tenant: keys, orders and holds.

    They include those of refused requests: nothing needs to wait for these any longer.
    """
    for request, outcome in zip(requests, outcomes, strict=True):
        if outcome.status != "waiting":
            yield request.tenant, str(request.request_id)
            yield request.tenant, str(outcome.order_id)
            key = request.body.get("idempotency_key")
            if isinstance(key, str):
                yield request.tenant, key


def wake(connection: Connection, done: Iterable[tuple[str, str]], now: datetime) -> int:
    """Make the requests that waited for `done` due at once; return their number.

    While no request waits, this is one index look-up, and `done` is not read.
    """
    if not connection.scalar(_IS_ANY_WAITING):
        return 0
    wanted = [(tenant, name) for tenant, name in done if is_storable(tenant + name)]
    parameters = {
        "now": now,
        "tenants": array(tenant for tenant, _ in wanted),
        "names": array(name for _, name in wanted),
    }
    return len(connection.execute(_WAKE, parameters).all())
