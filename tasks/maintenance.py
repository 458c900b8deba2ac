"""Scheduled tasks: due retries, sweeps of the outbox, holds and documents, and reconciliation."""

import logging
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Final

from sqlalchemy import text

from orders.recovery.delayed_requests import Due, Kind, claim_due, delay_or_bury, forget, put_back
from orders.upkeep.document_cleanup import forget_documents
from orders.upkeep.expiry import end_late_holds, propose_expiries
from orders.upkeep.reconciliation import reconcile_gently
from orders.upkeep.ticks import is_alone
from tasks.counting import count_outcomes
from tasks.jobs import intervals
from tasks.orders import process_now, process_requests, retry_policy
from tasks.relay import send_outbox, wake_relay
from tasks.resources import engine
from tasks.ticks import NotDone, StillRunning, scheduled
from tasks.transactions import DatabaseUnavailable, transaction
from tasks.waking import RETRY
from worker.broker.subscriptions import clear_abandoned_subscriptions
from worker.runtime import metrics
from worker.runtime.settings import get_settings

log = logging.getLogger(__name__)

SWEEP: Final = "outbox.sweep"
END_HOLDS: Final = "holds.sweep"
CANCEL_UNPAID: Final = "orders.cancel_unpaid"
SWEEP_DOCUMENTS: Final = "documents.sweep"
RECONCILE: Final = "reconciliation.run"

_STAY: Final = text("SET LOCAL idle_in_transaction_session_timeout = 0")

_NEW_AT_ONCE: Final = 5_000
_TRIED_AT_ONCE: Final = 100


# Attempts that the system's failure ended: they were counted, which is undone once the database is writable.
_unjudged: Final[list[Due]] = []


class EndedItsProcess(Exception):
    """Every attempt at the request was counted, and none of them finished."""


@scheduled(RETRY)
def retry() -> int:
    """Retry the delayed requests that are due, taking an equal part of each tenant's; return their count."""
    _put_back_unjudged()
    tried = _try_new() + _try_tried()
    if tried:
        wake_relay()
    return tried


def _try_new() -> int:
    count = 0
    while count < _NEW_AT_ONCE:
        due = _claim(Kind.NEW, limit=get_settings().batch_size)
        if not due:
            break
        try:
            report = process_requests([one.request for one in due], are_stored=True)
        except DatabaseUnavailable:
            _unjudged.extend(due)
            raise
        _count_retries(Counter(outcome.status for outcome in report.outcomes))
        _count_retries({"failed": report.delayed, "dead": report.dead})
        count += len(due)
    return count


def _try_tried() -> int:
    count = 0
    while count < _TRIED_AT_ONCE:
        # One by one: a request that ends this process must not cost others an attempt.
        due = _claim(Kind.TRIED, limit=1)
        if not due:
            break
        _try_again(due[0])
        count += 1
    return count


def _claim(which: Kind, *, limit: int) -> list[Due]:
    with transaction() as connection:
        return claim_due(connection, limit=limit, policy=retry_policy(), now=datetime.now(UTC), which=which)


def _put_back_unjudged() -> None:
    if _unjudged:
        with transaction() as connection:
            put_back(connection, _unjudged, now=datetime.now(UTC))
        _unjudged.clear()


def _try_again(due: Due) -> None:
    try:
        if due.attempts > retry_policy().max_attempts:
            raise EndedItsProcess(f"it was attempted {due.attempts - 1} times and never finished")
        with transaction() as connection:
            (outcome,) = process_now(connection, [due.request])
            if outcome.status != "waiting":
                forget(connection, due.request.request_id)
        count_outcomes(due.request.kind, outcome.status, outcome.errors[0].code if outcome.errors else "")
        _count_retries({outcome.status: 1})
    except DatabaseUnavailable:
        _unjudged.append(due)
        raise
    except Exception as error:  # noqa: BLE001 - whatever it is, it waits longer or is a dead letter
        with transaction() as connection:
            is_dead = delay_or_bury(
                connection,
                due.request,
                error,
                attempts=due.attempts,
                policy=retry_policy(),
                now=datetime.now(UTC),
            )
        metrics.DEAD_LETTERS.inc(is_dead)
        _count_retries({"dead" if is_dead else "failed": 1})
        log.error(
            "a request failed again",
            extra={
                "request_id": str(due.request.request_id),
                "attempts": due.attempts,
                "is_dead": is_dead,
                "error": type(error).__name__,
            },
        )


def _count_retries(results: Mapping[str, int]) -> None:
    for result, count in results.items():
        metrics.RETRIES.labels(result).inc(count)


@scheduled(END_HOLDS)
def end_holds() -> int:
    """Release the inventory of expired holds; return their count."""
    with transaction() as connection:
        return end_late_holds(connection, now=datetime.now(UTC))


@scheduled(CANCEL_UNPAID)
def cancel_unpaid() -> int:
    """Request to expire the orders with an overdue payment, if the tenant wants that; return their count.

    These are processed like all requests: one that fails is delayed or buried, and does not stop the others.
    """
    with transaction() as connection:
        overdue = propose_expiries(connection, now=datetime.now(UTC))
    return process_requests(overdue).count if overdue else 0


@scheduled(SWEEP)
def sweep_outbox() -> int:
    """Send what the outbox still holds, in case a wake of the relay was lost; return the count sent."""
    failure = _clear_subscriptions()  # first: on a broker that is full it makes room
    sent = send_outbox()
    if failure is not None:
        raise NotDone(f"the queues of ended subscribers were not deleted: {failure}", sent)
    return sent


def _clear_subscriptions() -> str | None:
    try:
        clear_abandoned_subscriptions(get_settings())
    except Exception as error:  # noqa: BLE001 - whatever the client library raises, the outbox is tried
        log.warning("the queues of ended subscribers were not deleted", extra={"error": type(error).__name__})
        return type(error).__name__
    return None


@scheduled(SWEEP_DOCUMENTS)
def sweep_documents() -> int:
    """Delete documents that are too old or exceed the limit of bytes; return their count."""
    settings = get_settings()
    with transaction() as connection:
        return forget_documents(
            connection,
            now=datetime.now(UTC),
            keep_for=timedelta(seconds=settings.document_seconds),
            max_bytes=settings.document_bytes,
        )


@scheduled(RECONCILE)
def run_reconciliation() -> int:
    """Run the checks; log, count and publish the discrepancies; return their count.

    While a run lasts longer than its interval, no other is started.
    """
    # The lock is held until this transaction ends, which idles meanwhile and has no snapshot.
    with transaction() as guard:
        guard.execute(_STAY)
        if not is_alone(guard, RECONCILE):
            log.info("skipped: the last reconciliation is still running")
            raise StillRunning("not run: the reconciliation before this one has not ended")
        found = reconcile_gently(engine(), now=datetime.now(UTC), job_intervals=intervals(get_settings()))
    for discrepancy in found:
        metrics.DISCREPANCIES.labels(discrepancy.rule).inc()
        if discrepancy.is_new:
            log.warning(
                "discrepancy found",
                extra={
                    "rule": discrepancy.rule,
                    "subject": str(discrepancy.subject),
                    "detail": discrepancy.detail,
                },
            )
    log.info("reconciled", extra={"discrepancies": len(found)})
    if any(discrepancy.is_new for discrepancy in found):
        wake_relay()
    return len(found)
