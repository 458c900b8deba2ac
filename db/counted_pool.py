"""A pool of connections that counts the callers that wait for one."""

import threading
from typing import Any

from sqlalchemy import Engine, QueuePool
from sqlalchemy.pool import PoolProxiedConnection


class CountedPool(QueuePool):
    """SQLAlchemy's pool, which knows its connections in use, but not who waits for one."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._lock = threading.Lock()
        self.waiting = 0
        """Callers that wait for a connection to be returned, or to be opened."""

    def connect(self) -> PoolProxiedConnection:
        """Return a connection as the base class does, and count the caller until then."""
        self._count(1)
        try:
            return super().connect()
        finally:
            self._count(-1)

    def _count(self, change: int) -> None:
        with self._lock:
            self.waiting += change

    @property
    def limit(self) -> int:
        """Return how many connections it may open."""
        return self.size() + self._max_overflow


def pool_of(engine: Engine) -> CountedPool:
    """Return the engine's pool; `dispose` replaces it by another.

    Raises `TypeError` for an engine without a pool.
    """
    pool = engine.pool
    if not isinstance(pool, CountedPool):
        raise TypeError("this engine closes its connections after each use")
    return pool
