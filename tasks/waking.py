"""Requests that wait for what they name are tried as soon as it is there.

A thread of the worker looks for them a moment after each batch: the batch itself does not wait for it. Who is
not found, as its row was not there yet, is tried by the schedule some seconds later.
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

from db.engine import make_engine
from orders.recovery.parked_requests import names_done, wake
from schemas.outcomes import Outcome
from schemas.requests import Request
from tasks.resources import publisher
from worker.broker.outgoing import task_message
from worker.broker.publishing import NotConfirmed
from worker.broker.queues import MAINTENANCE
from worker.runtime.settings import get_settings

log = logging.getLogger(__name__)

RETRY: Final = "requests.retry"

_TOGETHER_SECONDS: Final = 0.5
_BATCHES_AT_ONCE: Final = 100

_Batch = tuple[Sequence[Request], Sequence[Outcome]]
_done: Final[Queue[_Batch]] = Queue()
_is_finishing: Final = threading.Event()


def wake_those_who_wait(requests: Sequence[Request], outcomes: Sequence[Outcome]) -> None:
    """Have those tried soon that waited for these requests, which are committed; does not wait for that."""
    _done.put((requests, outcomes))
    _start()


@cache
def _start() -> None:
    threading.Thread(target=_keep_waking, name="waiting-waker", daemon=True).start()


def finish_waking() -> None:
    """Return when nobody is left to be woken."""
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
            log.warning("who waits was not woken", extra={"error": type(error).__name__})
        except Exception:
            # A thread that ended would leave them all to the schedule.
            log.exception("who waits was not woken")
        finally:
            for _ in batches:
                _done.task_done()


def _wake(done: Iterable[tuple[str, str]]) -> int:
    # A connection for the moment: the worker's own are for its batches, and nobody has to close this one.
    engine = make_engine(get_settings().database(), is_pooled=False)
    with engine.begin() as connection:
        return wake(connection, done, datetime.now(UTC))


def _take() -> list[_Batch]:
    """Wait for a batch; return it with those that come in the next moment."""
    batches = [_done.get()]
    _is_finishing.wait(_TOGETHER_SECONDS)
    while len(batches) < _BATCHES_AT_ONCE:
        try:
            batches.append(_done.get_nowait())
        except Empty:
            break
    return batches
