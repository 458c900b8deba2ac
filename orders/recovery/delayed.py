"""Requests that failed unexpectedly, waiting as rows for another try."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import Connection, delete, text

from db import tables
from orders.recovery.dead_letters import DeadLetter, bury, storable
from orders.recovery.requests_json import request_from_json, request_json
from schemas.requests import Request
from worker.traces import name_of, trace_of

_DELAY = text("""
    INSERT INTO delayed_requests (request_id, kind, request, attempts, last_error, next_attempt_at)
    VALUES (:request_id, :kind, :request, :attempts, :error, :next_attempt_at)
    ON CONFLICT (request_id) DO UPDATE SET last_error = excluded.last_error
""")

_LOCK_DUE = text("""
    SELECT request_id, kind, request, attempts FROM delayed_requests
    WHERE next_attempt_at <= :now
    ORDER BY next_attempt_at LIMIT :limit
    FOR UPDATE SKIP LOCKED
""")

_COUNT = text("""
    UPDATE delayed_requests SET attempts = :attempts, next_attempt_at = :next_attempt_at
    WHERE request_id = :request_id
""")


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often a request is tried, and how long it waits: `first_wait` × 2^(attempts − 1), to an hour."""

    max_attempts: int
    first_wait: timedelta
    longest_wait: timedelta = timedelta(hours=1)

    def wait_after(self, attempts: int) -> timedelta:
        """Return the wait after so many attempts."""
        return min(self.first_wait * 2.0 ** min(attempts - 1, 40), self.longest_wait)


@dataclass(frozen=True, slots=True)
class Due:
    """A request whose next attempt is now."""

    request: Request
    attempts: int


def put_aside(
    connection: Connection,
    request: Request,
    error: Exception,
    *,
    attempts: int,
    policy: RetryPolicy,
    now: datetime,
) -> bool:
    """Keep a request that failed for a later try; after its last one bury it, and return True."""
    if attempts < policy.max_attempts:
        connection.execute(
            _DELAY,
            {
                "request_id": request.request_id,
                "kind": request.kind,
                "request": request_json(request),
                "attempts": attempts,
                "error": storable(name_of(error))[:2_000],
                "next_attempt_at": now + policy.wait_after(attempts),
            },
        )
        return False
    letter = DeadLetter(
        kind=request.kind,
        message=request_json(request),
        reason=f"it failed {attempts} times, at last with {name_of(error)}"[:2_000],
        details=trace_of(error),
        attempts=attempts,
        request_id=request.request_id,
        tenant=request.tenant,
    )
    bury(connection, [letter], now)
    forget(connection, request.request_id)
    return True


def claim_due(connection: Connection, *, limit: int, policy: RetryPolicy, now: datetime) -> list[Due]:
    """Return requests that are due, each counted and put off, so that no other sweep takes it too.

    The attempt is counted before it is made: a request that kills its process is not tried for ever.
    """
    rows = connection.execute(_LOCK_DUE, {"now": now, "limit": limit}).all()
    due = [Due(request_from_json(row.kind, bytes(row.request)), row.attempts + 1) for row in rows]
    if due:
        connection.execute(
            _COUNT,
            [
                {
                    "request_id": one.request.request_id,
                    "attempts": one.attempts,
                    "next_attempt_at": now + policy.wait_after(one.attempts),
                }
                for one in due
            ],
        )
    return due


def put_back(connection: Connection, due: Due, *, now: datetime) -> None:
    """Have a try not counted, as the system failed and not the request; it is due again at once."""
    parameters = {
        "request_id": due.request.request_id,
        "attempts": due.attempts - 1,
        "next_attempt_at": now,
    }
    connection.execute(_COUNT, parameters)


def forget(connection: Connection, request_id: UUID) -> None:
    """Delete a request that has an outcome, or is dead."""
    table = tables.delayed_requests
    connection.execute(delete(table).where(table.c.request_id == request_id))
