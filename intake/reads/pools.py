"""The intake's connections to the database: a small pool for each use, so that none takes another's.

Checks of keys and polls for outcomes must not wait behind a slow list.
"""

from dataclasses import dataclass, fields

from sqlalchemy import Engine, event
from sqlalchemy.pool import ConnectionPoolEntry

from db.counted_pool import pool_of
from db.engine import make_engine
from intake.reads.reader_shares import READERS
from intake.reads.stale_reads import READ_SECONDS


@dataclass(frozen=True, slots=True)
class Pools:
    """One engine a use; none connects before it is used."""

    readers: Engine
    """Orders, lists."""
    keys: Engine
    """Who calls, and which version of an order is seen."""
    answers: Engine
    """The thread that answers all callers that wait for outcomes."""
    reads: Engine
    """The thread that answers all who read one order."""
    documents: Engine
    """Documents: those that are kept, asking for others, QR codes and passes."""
    standby: Engine | None
    """Lists that may be stale, and the look at the standby; None where there is none."""
    checks: Engine
    """Readiness and metrics, and when keys were last used."""

    @property
    def most_connections(self) -> int:
        """Return how many connections to the primary they open at most."""
        return sum(pool_of(engine).size() for engine in self.by_name().values() if engine is not self.standby)

    def close(self) -> None:
        """Close all connections, those in use as soon as they are given back."""
        for engine in self.by_name().values():
            event.listen(engine, "checkin", _close_one)  # a pool would keep it, and be forgotten itself
            engine.dispose()

    def by_name(self) -> dict[str, Engine]:
        """Return the engines by the names of their uses."""
        found = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: engine for name, engine in found.items() if engine is not None}


def _close_one(_: object, record: ConnectionPoolEntry) -> None:
    record.invalidate()


def open_pools(url: str, standby_url: str | None = None) -> Pools:
    """Return the pools. A statement that takes longer than its use allows is cancelled by the server."""
    return Pools(
        readers=make_engine(
            url, pool_size=READERS, max_overflow=0, statement_seconds=READ_SECONDS, lock_seconds=5
        ),
        keys=make_engine(url, pool_size=9, max_overflow=0, statement_seconds=3, lock_seconds=1),
        answers=_single(url),
        reads=_single(url),
        standby=_standby(standby_url) if standby_url else None,
        documents=make_engine(url, pool_size=5, max_overflow=0, statement_seconds=5, lock_seconds=1),
        checks=make_engine(url, pool_size=3, max_overflow=0, statement_seconds=3, lock_seconds=1),
    )


def _standby(url: str) -> Engine:
    # Each read looks at the server first, and one that failed is done on the primary: no ping.
    return make_engine(
        url,
        pool_size=READERS + 1,  # one is for who watches it
        max_overflow=0,
        statement_seconds=READ_SECONDS,
        lock_seconds=5,
        is_tried_again=True,
        is_replaced=True,  # by the primary
    )


def _single(url: str) -> Engine:
    # A thread uses it, and tries what failed for a connection that had died: no ping before each use.
    return make_engine(
        url, pool_size=1, max_overflow=0, statement_seconds=5, lock_seconds=1, is_tried_again=True
    )
