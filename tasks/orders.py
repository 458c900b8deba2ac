"""Processing batches of messages from the queue `orders`, and their failures."""

import hashlib
import logging
import time
from collections.abc import Sequence
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from typing import Any, Final, cast

from celery import Task, shared_task
from kombu.utils.json import dumps
from sqlalchemy import Connection

from db.replicated import wait_for_earlier_commits
from orders.errors import CatalogueChanged
from orders.laps import Laps
from orders.process import process
from orders.recovery.dead_letters import DeadLetter, bury
from orders.recovery.delayed_requests import RetryPolicy, delay_or_bury, delay_until_due, forget
from orders.recovery.requests_json import any_json
from orders.recovery.suspects import acquit, count_attempt
from schemas.outcomes import Outcome
from schemas.requests import Request
from tasks import request_log
from tasks.counting import LOGGED, count_batch
from tasks.envelope import read_call_id
from tasks.messages import QueueMessage, parse
from tasks.relay import wake_relay
from tasks.report import Report
from tasks.transactions import DatabaseUnavailable, transaction
from tasks.waking import wake_early_requests
from willcall.kinds import KINDS
from worker.runtime import metrics, tracing
from worker.runtime.settings import get_settings

log = logging.getLogger(__name__)

_LONGEST_NAME: Final = 200  # characters


def process_messages(messages: Sequence[QueueMessage]) -> Report:
    """Process the requests of the messages in order, and store those that cannot be processed.

    When it returns, the effects are committed and the messages can be acknowledged. If it raises
    `DatabaseUnavailable`, nothing was stored.
    """
    laps = Laps()
    parsed = [parse(message) for message in messages]
    laps.end("parse")
    _delay_until_due([one for message in parsed for one in message.later])
    return process_requests(
        [request for one in parsed for request in one.requests],
        [letter for one in parsed for letter in one.dead],
        laps=laps,
    )


def _delay_until_due(requests: Sequence[tuple[Request, datetime]]) -> None:
    """Store requests for a later time as rows. Raises `DatabaseUnavailable`."""
    if requests:
        with transaction() as connection:
            delay_until_due(connection, requests)
            wait_for_earlier_commits(connection)
            request_log.write_later(connection, requests)


def process_requests(
    requests: Sequence[Request],
    dead: Sequence[DeadLetter] = (),
    *,
    are_stored: bool = False,
    laps: Laps | None = None,
) -> Report:
    """Process the requests in order, and store those that cannot be processed; see `process_messages`.

    With `are_stored`, their rows in `orders.recovery.delayed_requests` are deleted once they have an outcome.
    `laps` goes on counting the seconds of each step.
    """
    started = time.perf_counter()
    report = Report.of(requests)
    report.laps = laps or report.laps
    with tracing.batch(request.traceparent for request in requests):
        try:
            # Other producers do not state how many requests a message has; any message may state it wrongly.
            limit = get_settings().batch_size
            for start in range(0, len(requests), limit):
                _process(requests[start : start + limit], report, are_stored=are_stored)
            _bury(dead, report)
        finally:
            # Parts of a split batch may be committed already.
            if report.has_events:
                wake_relay()
        count_batch(report, time.perf_counter() - started)
    return report


# Suspects whose attempt waits for the database: it is counted and not over, because no worker ended.
_waiting: Final[set[str]] = set()


def process_suspect(message: QueueMessage) -> Report:
    """Process a message that may end this process; after its last attempt, store it as a dead letter.

    Raises `DatabaseUnavailable`; a call after that continues the same attempt.
    """
    limit = get_settings().max_attempts
    name = _suspect_name(message)
    if name in _waiting:
        _waiting.remove(name)
    else:
        with transaction() as connection:
            attempts = count_attempt(connection, name, datetime.now(UTC))
        if attempts > limit:
            reason = f"each of its {limit} attempts ended the worker before the message was processed"
            return bury_message(message, reason)
    try:
        report = process_messages([message])
        with transaction() as connection:
            acquit(connection, name)
    except DatabaseUnavailable:
        _waiting.add(name)
        raise
    return report


def _suspect_name(message: QueueMessage) -> str:
    """Return the name under which a suspect's attempts are counted: its id, or the digest of its body."""
    # The message of another producer may have no id, or one that does not fit into an index.
    has_name = 0 < len(message.message_id) <= _LONGEST_NAME
    return message.message_id if has_name else hashlib.sha256(message.body).hexdigest()


def bury_message(message: QueueMessage, reason: str) -> Report:
    """Store a whole message as a dead letter. Raises `DatabaseUnavailable`."""
    report = Report()
    letter = DeadLetter(message.task, message.body, reason, attempts=message.deliveries)
    calls = [call for index in range(LOGGED) if (call := read_call_id(message.headers, index))]
    _bury([letter], report, suspect=_suspect_name(message), calls=calls)
    metrics.DEAD_LETTERS.inc(report.dead)
    return report


def process_now(
    connection: Connection, requests: Sequence[Request], laps: Laps | None = None
) -> list[Outcome]:
    """Process the requests in the open transaction, with the limits from the settings."""
    laps = laps or Laps()
    laps.end("begin")
    settings = get_settings()
    now = datetime.now(UTC)
    outcomes = process(
        connection,
        requests,
        now=now,
        patience=patience(),
        max_tickets=settings.max_tickets,
        max_event_bytes=settings.max_event_bytes,
        laps=laps,
    )
    with laps.step("request_log"):
        request_log.write_batch(connection, requests, outcomes, now)
    return outcomes


def _process(requests: Sequence[Request], report: Report, *, are_stored: bool) -> None:
    """Process the requests in one transaction; if it fails, in halves, until the failing request is alone."""
    if not requests:
        return
    try:
        with ExitStack() as commit, transaction(is_alone=len(requests) == 1) as connection:
            outcomes = process_now(connection, requests, report.laps)
            if are_stored:
                forget(connection, *(one.request_id for one in outcomes if one.status != "waiting"))
            # Closed after the transaction, so that the lap includes the commit.
            commit.enter_context(report.laps.step("commit"))
        wake_early_requests(requests, outcomes)
        report.outcomes.extend(outcomes)
        report.counts.update(
            (request.kind, outcome.status, outcome.errors[0].code if outcome.errors else "")
            for request, outcome in zip(requests, outcomes, strict=True)
        )
    except DatabaseUnavailable:
        raise
    except CatalogueChanged:
        _process(requests, report, are_stored=are_stored)  # which reads the catalogue again
    except Exception as error:  # noqa: BLE001 - every error of a request
        # Whatever it is, the other requests must be processed.
        report.laps.end("failed")
        _split(requests, report, error, are_stored=are_stored)


def _split(requests: Sequence[Request], report: Report, error: Exception, *, are_stored: bool) -> None:
    if len(requests) == 1:
        _delay_or_bury(requests[0], report, error)
        return
    metrics.SPLITS.inc()
    middle = len(requests) // 2
    _process(requests[:middle], report, are_stored=are_stored)
    _process(requests[middle:], report, are_stored=are_stored)


def _delay_or_bury(request: Request, report: Report, error: Exception) -> None:
    log.error(
        "a request failed unexpectedly",
        extra={
            "request_id": str(request.request_id),
            "call_id": request.call_id,
            "kind": request.kind,
            "error": type(error).__name__,
        },
    )
    now = datetime.now(UTC)
    with transaction() as connection:
        is_dead = delay_or_bury(connection, request, error, attempts=1, policy=retry_policy(), now=now)
        request_log.write_later(connection, [(request, now)])
    report.dead += is_dead
    report.delayed += not is_dead


def retry_policy() -> RetryPolicy:
    """Return the retry policy of failed requests, from the settings."""
    settings = get_settings()
    return RetryPolicy(settings.max_attempts, timedelta(seconds=settings.retry_seconds))


def patience() -> timedelta:
    """Return how long a request waits for the order that it names, from the settings."""
    return timedelta(seconds=get_settings().unknown_order_seconds)


def _bury(
    letters: Sequence[DeadLetter], report: Report, suspect: str | None = None, calls: Sequence[str] = ()
) -> None:
    if not letters:
        return
    with transaction() as connection:
        bury(connection, letters, datetime.now(UTC))
        wait_for_earlier_commits(connection)
        if suspect is not None:
            acquit(connection, suspect)
    report.dead += len(letters)
    for letter in letters:
        extra = {"task": letter.kind, "reason": letter.reason, "call_ids": list(calls)}
        log.error("a message cannot be processed", extra=extra)


def _body_of(requests: list[dict[str, Any]]) -> bytes:
    """Return the message body for the requests that a stock Celery worker has parsed."""
    content = [[], {"requests": requests}, {}]
    try:
        return any_json(content)
    except TypeError:
        # kombu has unwrapped the values that its JSON wraps, such as a `Decimal`; only kombu can write them.
        return cast("str", dumps(content)).encode()


def _task(kind: str) -> Task:
    """Return the Celery task for a kind of request; its messages hold 1 to 500 requests of this kind."""

    def run(self: Task, requests: list[dict[str, Any]]) -> str:
        body = _body_of(requests)
        return process_messages([QueueMessage(kind, self.request.id, body)]).summary

    return shared_task(
        name=kind,
        bind=True,
        # Our own workers take this queue in bulk and never call `run`; a stock Celery worker does.
        # A message is acknowledged when its effects are committed, and redelivered if the process dies.
        acks_late=True,
        reject_on_worker_lost=True,
        autoretry_for=(DatabaseUnavailable,),
        max_retries=None,
        retry_backoff=True,
        retry_backoff_max=5,  # seconds; longer countdowns would run twice on Redis
    )(run)


TASKS: Final = {kind: _task(kind) for kind in sorted(KINDS)}
"""The tasks of the queue `orders`, by their names."""
