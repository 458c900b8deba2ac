"""Locks that keep a worker in the middle of a batch for as long as a test wants."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Engine

from tests.factories import scalar


@contextmanager
def locked(engine: Engine, *tables: str) -> Iterator[None]:
    """Let nobody else read or write the tables."""
    with engine.begin() as connection:
        connection.exec_driver_sql(f"LOCK TABLE {', '.join(tables)} IN ACCESS EXCLUSIVE MODE")
        yield


def waits_for_a_lock(engine: Engine) -> bool:
    """Say whether some session waits for a lock that another has."""
    return bool(scalar(engine, "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"))
