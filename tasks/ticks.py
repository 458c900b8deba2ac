"""Scheduled tasks: one effect per tick, with any number of beats."""

from collections.abc import Callable
from datetime import UTC, datetime
from functools import wraps

from celery import Task, shared_task

from orders.upkeep.ticks import claim_tick
from tasks.breaker import breaker
from tasks.transactions import DatabaseUnavailable, blaming_the_system, transaction


def scheduled(name: str) -> Callable[[Callable[[], int]], Task]:
    """Return a decorator that makes a Celery task of a function that returns a count.

    Each tick is a unique row, and only the call that inserts it works; a call without a tick always works.
    While the database cannot take work the task ends at once with 0, and the next tick tries again.
    """

    def decorate(work: Callable[[], int]) -> Task:
        @wraps(work)
        def run(tick: int | None = None) -> int:
            try:
                with blaming_the_system():
                    count = work() if is_mine(name, tick) else 0
            except DatabaseUnavailable as error:
                breaker.open(name, str(error))
                return 0
            breaker.close(name)
            return count

        return shared_task(name=name)(run)

    return decorate


def is_mine(task: str, tick: int | None) -> bool:
    """Tell whether this call of the task has claimed the tick. A call without a tick always may work."""
    if tick is None:
        return True
    with transaction() as connection:
        return claim_tick(connection, task, tick, now=datetime.now(UTC))
