"""Delayed requests: rows of requests that wait for a retry, or for their time; see also `early_requests`."""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final
from uuid import UUID

from sqlalchemy import Connection, delete, text

from db import tables
from orders.recovery.dead_letters import DeadLetter, bury, storable
from orders.recovery.requests_json import request_from_json, request_json
from schemas.requests import Request
from worker.runtime.traces import name_of, trace_of

_LONGEST_NAME: Final = 200  # characters

_DELAY = text("""
    INSERT INTO delayed_requests (request_id, kind, request, attempts, last_error, next_attempt_at, tenant)
    VALUES (:request_id, :kind, :request, :attempts, :error, :next_attempt_at, :tenant)
    ON CONFLICT (request_id) DO UPDATE SET last_error = excluded.last_error
""")

_DELAY_UNTIL_DUE = text("""
    INSERT INTO delayed_requests (request_id, kind, request, attempts, last_error, next_attempt_at, tenant)
    VALUES (:request_id, :kind, :request, 0, 'its producer wants it later', :next_attempt_at, :tenant)
    ON CONFLICT (request_id) DO NOTHING
""")

# One index look-up per tenant, however many of its requests wait.
_TENANTS: Final = """
    WITH RECURSIVE found AS (
        (SELECT tenant FROM delayed_requests WHERE {which} ORDER BY tenant LIMIT 1)
        UNION ALL
        SELECT (SELECT tenant FROM delayed_requests WHERE {which} AND tenant > found.tenant
                ORDER BY tenant LIMIT 1)
        FROM found WHERE tenant IS NOT NULL
    )
    SELECT tenant FROM found WHERE EXISTS (
        SELECT FROM delayed_requests WHERE {which} AND tenant = found.tenant AND next_attempt_at <= :now)
"""

_LOCK_DUE: Final = """
    SELECT request_id, kind, request, attempts FROM delayed_requests
    WHERE {which} AND tenant = :tenant AND next_attempt_at <= :now
    ORDER BY next_attempt_at LIMIT :limit
    FOR UPDATE SKIP LOCKED
"""


class Kind(StrEnum):
    """The kinds of due requests, as conditions of the table's indexes."""

    NEW = "attempts = 0"
    """It waits for what it names, or for its time: processed together with others."""
    TRIED = "attempts > 0"
    """It failed, or its process ended during an attempt: processed alone, so that others lose no attempt."""


_COUNT = text("""
    UPDATE delayed_requests SET attempts = :attempts, next_attempt_at = :next_attempt_at
    WHERE request_id = :request_id
""")


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """The maximum attempts, and the waits between them: `first_wait` × 2^(attempts − 1), up to an hour."""

    max_attempts: int
    first_wait: timedelta
    longest_wait: timedelta = timedelta(hours=1)

    def wait_after(self, attempts: int) -> timedelta:
        """Return the wait after this number of attempts."""
        return min(self.first_wait * 2.0 ** min(attempts - 1, 40), self.longest_wait)


@dataclass(frozen=True, slots=True)
class Due:
    """A request that is due."""

    request: Request
    attempts: int


def delay_or_bury(
    connection: Connection,
    request: Request,
    error: Exception,
    *,
    attempts: int,
    policy: RetryPolicy,
    now: datetime,
) -> bool:
    """Store a failed request for a retry; after its last attempt, bury it and return True."""
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
                "tenant": _share_of(request),
            },
        )
        return False
    letter = DeadLetter(
        kind=request.kind,
        message=request_json(request),
        reason=f"it failed {attempts} times, the last time with {name_of(error)}"[:2_000],
        details=trace_of(error),
        attempts=attempts,
        request_id=request.request_id,
        tenant=request.tenant,
    )
    bury(connection, [letter], now)
    forget(connection, request.request_id)
    return True


def delay_until_due(connection: Connection, requests: Sequence[tuple[Request, datetime]]) -> None:
    """Store requests that their producers want to be processed at a later time."""
    rows = [
        {
            "request_id": request.request_id,
            "kind": request.kind,
            "request": request_json(request),
            "next_attempt_at": due_at,
            "tenant": _share_of(request),
        }
        for request, due_at in requests
    ]
    if rows:
        connection.execute(_DELAY_UNTIL_DUE, rows)


def _share_of(request: Request) -> str:
    return storable(request.tenant)[:_LONGEST_NAME]


def claim_due(
    connection: Connection, *, limit: int, policy: RetryPolicy, now: datetime, which: Kind = Kind.TRIED
) -> list[Due]:
    """Return due requests; each is counted and rescheduled, so that no other sweep takes it.

    Each tenant has its share of the limit. The attempt is counted before it is made: a request that kills its
    process is not retried for ever.
    """
    tenants = list(connection.scalars(text(_TENANTS.format(which=which)), {"now": now}))
    random.shuffle(tenants)  # where there are more of them than are taken, each has its turn
    due: list[Due] = []
    for left in range(min(limit, len(tenants)), 0, -1):
        share = max(1, (limit - len(due)) // left)
        due += _claim(connection, which, tenants[left - 1], limit=share, policy=policy, now=now)
    return due


def _claim(
    connection: Connection, which: Kind, tenant: str, *, limit: int, policy: RetryPolicy, now: datetime
) -> list[Due]:
    parameters = {"tenant": tenant, "now": now, "limit": limit}
    rows = connection.execute(text(_LOCK_DUE.format(which=which)), parameters).all()
    due = [Due(request_from_json(row.kind, bytes(row.request)), row.attempts + 1) for row in rows]
    _count(connection, due, lambda one: now + policy.wait_after(one.attempts))
    return due


def put_back(connection: Connection, tried: Sequence[Due], *, now: datetime) -> None:
    """Uncount attempts that failed because of the system, not the request; they are due again at once."""
    _count(connection, [Due(one.request, one.attempts - 1) for one in tried], lambda _: now)


def _count(connection: Connection, due: Sequence[Due], next_attempt_at: Callable[[Due], datetime]) -> None:
    if due:
        rows = [
            {
                "request_id": one.request.request_id,
                "attempts": one.attempts,
                "next_attempt_at": next_attempt_at(one),
            }
            for one in due
        ]
        connection.execute(_COUNT, rows)


def forget(connection: Connection, *request_ids: UUID) -> None:
    """Delete requests that have an outcome or are dead letters."""
    table = tables.delayed_requests
    connection.execute(delete(table).where(table.c.request_id.in_(request_ids)))
