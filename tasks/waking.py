"""Requests that wait for an order, version or hold are retried as soon as it exists.

A thread of the worker looks for them shortly after each batch, so that the batch does not wait for it. A
request that it misses, as its row was not committed yet, is retried by the schedule some seconds later.
"""

import logging
import threading
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from functools import cache
from itertools import chain
from queue import Empty, Queue
from typing import Final

from sqlalchemy.exc import SQLAlchemyError

from orders.recovery.early_requests import names_done, wake
from schemas.outcomes import Outcome
from schemas.requests import Request
from tasks.resources import engine, publisher
from willcall.messages import task_message
from willcall.publishing import NotConfirmed
from willcall.queues import MAINTENANCE

log = logging.getLogger(__name__)

RETRY: Final = "requests.retry"

_TOGETHER_SECONDS: Final = 0.5
_BATCHES_AT_ONCE: Final = 100

_Batch = tuple[Sequence[Request], Sequence[Outcome]]
_done: Final[Queue[_Batch]] = Queue()
_is_finishing: Final = threading.Event()


def wake_early_requests(requests: Sequence[Request], outcomes: Sequence[Outcome]) -> None:
    """Retry soon the requests that waited for these, which are committed; returns at once."""
    _done.put((requests, outcomes))
    _start()


@cache
def _start() -> None:
    threading.Thread(target=_keep_waking, name="waiting-waker", daemon=True).start()


def finish_waking() -> None:
    """Return when all early requests of the batches so far have been woken."""
    _is_finishing.set()
    _done.join()
    _is_finishing.clear()


def _keep_waking() -> None:
    while True:
        batches = _take()
        try:
            done = chain.from_iterable(names_done(*batch) for batch in batches)
            if _wake(done):
                publisher().publish([task_message(RETRY, b"{}", queue=MAINTENANCE, summary="{}")])
        except (SQLAlchemyError, NotConfirmed) as error:
            log.warning("early requests could not be woken", extra={"error": type(error).__name__})
        except Exception:
            # Without this thread they would all wait for the schedule.
            log.exception("early requests could not be woken")
        finally:
            for _ in batches:
                _done.task_done()


def _wake(done: Iterable[tuple[str, str]]) -> int:
    with engine().begin() as connection:
        return wake(connection, done, datetime.now(UTC))


def _take() -> list[_Batch]:
    """Wait for a batch; return it with those of the next half second."""
    batches = [_done.get()]
    _is_finishing.wait(_TOGETHER_SECONDS)
    while len(batches) < _BATCHES_AT_ONCE:
        try:
            batches.append(_done.get_nowait())
        except Empty:
            break
    return batches
