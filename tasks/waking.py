"""Requests that wait for what they name are tried as soon as it is there.

A thread of the worker looks for them after each batch: the batch itself does not wait for it. Who is not
found, as its row was not there yet, is tried by the schedule some seconds later.
"""

import logging
import threading
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cache
from itertools import chain
from queue import Empty, Queue
from typing import Final

from orders.recovery.waiting import names_done, wake
from schemas.outcomes import Outcome
from schemas.requests import Request
from tasks.resources import publisher
from tasks.transactions import DatabaseUnavailable, transaction
from worker.publishing import NotConfirmed, task_message
from worker.queues import MAINTENANCE

log = logging.getLogger(__name__)

RETRY: Final = "requests.retry"

_BATCHES_AT_ONCE: Final = 20

_Batch = tuple[Sequence[Request], Sequence[Outcome]]
_done: Final[Queue[_Batch]] = Queue()


def wake_those_who_wait(requests: Sequence[Request], outcomes: Sequence[Outcome]) -> None:
    """Have those tried soon that waited for these requests, which are committed; does not wait for that."""
    _done.put((requests, outcomes))
    _start()


@cache
def _start() -> None:
    threading.Thread(target=_keep_waking, name="waiting-waker", daemon=True).start()


def finish_waking() -> None:
    """Return when nobody is left to be woken."""
    _done.join()


def _keep_waking() -> None:
    while True:
        batches = _take()
        try:
            done = chain.from_iterable(names_done(*batch) for batch in batches)
            with transaction() as connection:
                woken = wake(connection, done, datetime.now(UTC))
            if woken:
                publisher().publish([task_message(RETRY, b"{}", queue=MAINTENANCE, summary="{}")])
        except (DatabaseUnavailable, NotConfirmed) as error:
            log.warning("who waits was not woken", extra={"error": str(error)[:500]})
        except Exception:
            # A thread that ended would leave them all to the schedule.
            log.exception("who waits was not woken")
        finally:
            for _ in batches:
                _done.task_done()


def _take() -> list[_Batch]:
    """Wait for a batch; return it with those that came meanwhile."""
    batches = [_done.get()]
    while len(batches) < _BATCHES_AT_ONCE:
        try:
            batches.append(_done.get_nowait())
        except Empty:
            break
    return batches
