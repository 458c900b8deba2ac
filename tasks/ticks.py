"""Scheduled tasks: one effect per tick, with any number of beats."""

import logging
from collections.abc import Callable
from datetime import UTC, datetime
from functools import wraps

from celery import Task, shared_task

from orders.upkeep.ticks import claim_tick, finish_tick
from tasks.breaker import breaker
from tasks.job_metrics import FAILED, OK, SKIPPED, job_came, job_ended
from tasks.transactions import DatabaseUnavailable, KnownFailure, blaming_the_system, transaction

log = logging.getLogger(__name__)


class StillRunning(KnownFailure):
    """The run before this one has not ended, and is not joined by another."""


class NotDone(KnownFailure):
    """The job could not do its work, or only a part: its text is the run's result, and quotes no buyer."""

    def __init__(self, reason: str, count: int = 0) -> None:
        super().__init__(reason)
        self.count = count


def scheduled(name: str, *, is_shown: bool = True) -> Callable[[Callable[[], int]], Task]:
    """Return a decorator that makes a Celery task of a function that returns a count.

    Each tick is a unique row, and only the call that inserts it works, and stores its result there; a call
    without a tick always works. While the database cannot take work the task ends at once with 0, and the
    next tick tries again. Work that raises `NotDone` ends with its count, and with its text as the result.
    Without `is_shown` no task events are sent for Flower: three messages, and a connection's wait for each.
    """

    def decorate(work: Callable[[], int]) -> Task:
        @wraps(work)
        def run(tick: int | None = None) -> int:
            claimed, count = None, 0
            if tick is not None:
                job_came(name)
            try:
                with blaming_the_system():
                    if is_mine(name, tick):
                        claimed = tick
                        count = work()
            except DatabaseUnavailable as error:
                # No run of its own failed: the breaker tells of it.
                breaker.open(name, str(error))
                _finish(name, claimed, error=str(error))
                return 0
            except StillRunning as error:
                _finish(name, claimed, SKIPPED, error=str(error))
                return 0
            except NotDone as error:
                breaker.close(name)  # it failed for another reason than the database
                _finish(name, claimed, FAILED, count=error.count, error=str(error))
                return error.count
            except Exception as error:
                # The type and no more: its text may quote a buyer. The worker logs all of it.
                _finish(name, claimed, FAILED, error=f"{type(error).__name__}: the worker's log says more")
                raise
            breaker.close(name)
            _finish(name, claimed, OK, count=count)
            return count

        return shared_task(name=name, send_events=is_shown)(run)

    return decorate


def is_mine(task: str, tick: int | None) -> bool:
    """Tell whether this call of the task has claimed the tick. A call without a tick always may work."""
    if tick is None:
        return True
    with transaction() as connection:
        return claim_tick(connection, task, tick, now=datetime.now(UTC))


def _finish(
    task: str,
    tick: int | None,
    result: str | None = None,
    *,
    count: int | None = None,
    error: str | None = None,
) -> None:
    """Count and write what became of a tick. The work is over: a failure here changes nothing of it."""
    if tick is None:
        return
    if result is not None:
        job_ended(task, result)
    try:
        with transaction() as connection:
            finish_tick(connection, task, tick, count=count, error=error, now=datetime.now(UTC))
    except Exception as failure:  # noqa: BLE001 - whatever it is, the tick stays as one that has not ended
        log.warning("the end of a job was not written", extra={"job": task, "error": type(failure).__name__})
