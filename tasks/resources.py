"""The resources that a process opens once and its tasks share: the database's engine and a publisher."""

from functools import cache
from typing import Final

from sqlalchemy import Engine

from db.counted_pool import pool_of
from db.engine import make_engine
from willcall.publishing import Publisher
from worker.runtime import metrics
from worker.runtime.settings import get_settings

_POOL: Final = "tasks"


@cache
def engine() -> Engine:
    """Return the process's engine. Our workers do not fork, so it is made where it is used."""
    settings = get_settings()
    made = make_engine(
        settings.database(),
        pool_size=10,
        is_tried_again=True,
        is_by_key=True,
        # A worker whose host is suspended, or lost without closing connections, keeps its locks until then.
        idle_seconds=settings.visibility_timeout_seconds,
    )
    metrics.POOL_LIMIT.labels(_POOL).set(pool_of(made).limit)
    metrics.POOL_IN_USE.labels(_POOL).set_function(lambda: pool_of(made).checkedout())
    metrics.POOL_WAITING.labels(_POOL).set_function(lambda: pool_of(made).waiting)
    return made


@cache
def publisher() -> Publisher:
    """Return the process's publisher; it has a lock, so that threads take turns."""
    settings = get_settings()
    return Publisher(settings.broker(), settings)
