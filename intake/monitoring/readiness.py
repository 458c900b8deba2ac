"""Readiness: whether this process can take work, checked on the servers at most once a second."""

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import Final

from anyio import CapacityLimiter, to_thread
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from db.revisions import current_revision, newest_revision
from willcall.connections import open_connection
from worker.runtime.settings import Settings

_CACHED_SECONDS: Final = 1.0
_CONNECT_SECONDS: Final = 2
_PATIENCE_SECONDS: Final = 4.0


class Readiness:
    """Checks the database, its schema and the broker; for one event loop."""

    def __init__(self, engine: Engine, settings: Settings) -> None:
        self._engine = engine
        self._settings = settings
        self._newest = newest_revision()
        self._lock = asyncio.Lock()
        # Threads of its own: a check must not wait behind the calls that are slow for the same reason.
        self._limiter = CapacityLimiter(2)
        self._bad: Mapping[str, str] = {}
        self._checked_at = float("-inf")

    async def bad_parts(self) -> Mapping[str, str]:
        """Return the failing parts, each with a sentence; empty if ready."""
        async with self._lock:  # whoever comes during a check waits for its answer
            if time.monotonic() - self._checked_at > _CACHED_SECONDS:
                results = await asyncio.gather(
                    self._ask(self._check_database, "database"), self._ask(self._check_broker, "broker")
                )
                self._bad = {part: sentence for bad in results for part, sentence in bad.items()}
                self._checked_at = time.monotonic()
            return self._bad

    async def _ask(self, check: Callable[[], dict[str, str]], part: str) -> dict[str, str]:
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS):
                return await to_thread.run_sync(check, limiter=self._limiter, abandon_on_cancel=True)
        except TimeoutError:
            return {part: f"the {part} does not answer within {_PATIENCE_SECONDS:g} s"}

    def _check_database(self) -> dict[str, str]:
        try:
            with self._engine.connect() as connection:
                revision = current_revision(connection)
        except SQLAlchemyError:
            return {"database": "the database does not answer"}
        if revision != self._newest:
            return {"schema": f"the schema is {revision or 'missing'}, not {self._newest}"}
        return {}

    def _check_broker(self) -> dict[str, str]:
        try:
            with open_connection(self._settings.broker(), self._settings, seconds=_CONNECT_SECONDS) as found:
                found.default_channel.close()
        except Exception:  # noqa: BLE001 - whatever the client library raises, it is no connection
            return {"broker": "the broker does not answer"}
        return {}
