"""The resources that a process opens once and its tasks share: the database's engine and a publisher."""

from functools import cache

from sqlalchemy import Engine

from db.engine import make_engine
from willcall.publishing import Publisher
from worker.runtime.settings import get_settings


@cache
def engine() -> Engine:
    """Return the process's engine. Our workers do not fork, so it is made where it is used."""
    settings = get_settings()
    return make_engine(
        settings.database(),
        pool_size=10,
        is_tried_again=True,
        is_by_key=True,
        # A worker whose host is suspended, or lost without closing connections, keeps its locks until then.
        idle_seconds=settings.visibility_timeout_seconds,
    )


@cache
def publisher() -> Publisher:
    """Return the process's publisher; it has a lock, so that threads take turns."""
    settings = get_settings()
    return Publisher(settings.broker(), settings)
