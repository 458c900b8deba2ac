"""What a process opens once and its tasks share: the database's engine and a publisher."""

from functools import cache

from sqlalchemy import Engine

from db.engine import make_engine
from worker.publishing import Publisher
from worker.settings import get_settings


@cache
def engine() -> Engine:
    """Return the process's engine. Our workers do not fork, so it is made where it is used."""
    return make_engine(get_settings().database(), pool_size=10, is_tried_again=True, is_by_key=True)


@cache
def publisher() -> Publisher:
    """Return the process's publisher; it is locked, so that threads take turns."""
    settings = get_settings()
    return Publisher(settings.broker(), settings)
