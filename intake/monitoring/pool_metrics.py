"""The pools of connections to the database, as metrics."""

from collections.abc import Callable, Mapping

from sqlalchemy import Engine

from db.counted_pool import pool_of
from worker.runtime.metrics import POOL_IN_USE, POOL_LIMIT, POOL_WAITING


class PoolMetrics:
    """The gauges of the intake's pools.

    `lines` counts, by pool, the callers that wait in front of it: for a thread, or for their tenant's share.
    """

    def __init__(self, engines: Mapping[str, Engine], lines: Mapping[str, Callable[[], int]]) -> None:
        self._engines = engines
        self._lines = lines

    def show(self) -> None:
        """Set the gauges. Called in the event loop, as often as they should be current."""
        for name, engine in self._engines.items():
            pool = pool_of(engine)
            POOL_LIMIT.labels(name).set(pool.limit)
            POOL_IN_USE.labels(name).set(pool.checkedout())
            POOL_WAITING.labels(name).set(pool.waiting + self._lines.get(name, int)())
