"""Waiting for rows, such as those of documents: a query every few milliseconds serves all callers."""

import asyncio
import logging
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, Generic, TypeVar
from uuid import UUID

from anyio import CapacityLimiter, to_thread
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError

log = logging.getLogger(__name__)

_AFTER_ERROR_SECONDS: Final = 0.5
_LONGEST_REST_SECONDS: Final = 0.5

_Found = TypeVar("_Found")


@dataclass(slots=True, eq=False)
class _Waiter(Generic[_Found]):
    missing: set[UUID]
    found: dict[UUID, _Found] = field(default_factory=dict)
    is_done: asyncio.Event = field(default_factory=asyncio.Event)


class Awaited(Generic[_Found]):
    """A poller that reads all rows that callers wait for; for one event loop.

    `find` returns those of the ids that are there; `every` is how many seconds pass between two queries.
    """

    def __init__(
        self,
        engine: Engine,
        find: Callable[[Connection, Iterable[UUID]], dict[UUID, _Found]],
        *,
        every: float,
    ) -> None:
        self._find_rows = find
        self._every = every
        # A single statement needs no transaction around it, which would be two more round trips.
        self._engine = engine.execution_options(isolation_level="AUTOCOMMIT")
        self._waiters: set[_Waiter[_Found]] = set()
        self._poller: asyncio.Task[None] | None = None
        self._limiter = CapacityLimiter(1)
        self._is_stopped = False

    async def wait(self, ids: Iterable[UUID], deadline: float) -> Mapping[UUID, _Found]:
        """Return the known rows of the ids: all of them, or those known at the deadline.

        The deadline is one of `time.monotonic`. A database that does not answer is waited for.
        """
        waiter = _Waiter[_Found](set(ids))
        if self._is_stopped:
            return waiter.found
        self._waiters.add(waiter)
        if self._poller is None or self._poller.done():
            self._poller = asyncio.create_task(self._poll())
        try:
            async with asyncio.timeout(deadline - time.monotonic()):
                await waiter.is_done.wait()
        except TimeoutError:
            pass
        finally:
            self._waiters.discard(waiter)
        return waiter.found

    def stop(self) -> None:
        """Answer all waiting callers with the known rows, and accept no others."""
        self._is_stopped = True
        for waiter in self._waiters:
            waiter.is_done.set()

    async def close(self) -> None:
        """Stop, and return when the last query has ended."""
        self.stop()
        if self._poller is not None:
            await self._poller

    async def _poll(self) -> None:
        while self._waiters:
            started = time.monotonic()
            try:
                await self._read()
            except SQLAlchemyError as error:
                log.warning("rows cannot be read", extra={"error": type(error).__name__})
                await asyncio.sleep(_AFTER_ERROR_SECONDS)
            # At most half of the time is spent in queries, however many callers wait. A very long query
            # means that the database was away, not that many callers wait.
            took = time.monotonic() - started
            await asyncio.sleep(max(self._every, min(took, _LONGEST_REST_SECONDS)))

    async def _read(self) -> None:
        missing = {id_ for waiter in self._waiters for id_ in waiter.missing}
        if not missing:
            return
        found = await to_thread.run_sync(self._find, missing, limiter=self._limiter)
        for waiter in self._waiters if found else ():
            for id_ in waiter.missing & found.keys():
                waiter.found[id_] = found[id_]
                waiter.missing.discard(id_)
            if not waiter.missing:
                waiter.is_done.set()

    def _find(self, ids: set[UUID]) -> dict[UUID, _Found]:
        with self._engine.connect() as connection:
            return self._find_rows(connection, ids)
