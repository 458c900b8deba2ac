"""When each API key was last used: written periodically, without delaying calls."""

import asyncio
import logging
import time
from collections.abc import Sequence
from typing import Final
from uuid import UUID

from anyio import CapacityLimiter, to_thread
from sqlalchemy import Engine, text
from sqlalchemy.exc import SQLAlchemyError

log = logging.getLogger(__name__)

EVERY_SECONDS: Final = 60.0
"""The minimum time between two writes of a key's use, across all processes."""

_GATHER_SECONDS: Final = 1.0
_PATIENCE_SECONDS: Final = 3.0

# A process that writes the same key at this moment writes the same value.
_WRITE: Final = text("""
    UPDATE api_keys SET last_used_at = now() WHERE id IN (
        SELECT id FROM api_keys
        WHERE id = ANY(CAST(:ids AS uuid[]))
            AND (last_used_at IS NULL OR last_used_at < now() - make_interval(secs => :seconds))
        FOR UPDATE SKIP LOCKED)
""")


class LastUses:
    """Records which keys are used, and writes that; for one event loop.

    If the database cannot be written to, a use is dropped.
    """

    def __init__(self, engine: Engine, *, every_seconds: float = EVERY_SECONDS) -> None:
        self._engine = engine
        self._every_seconds = every_seconds
        self._noted_at: dict[UUID, float] = {}
        self._waiting: set[UUID] = set()
        self._writing: asyncio.Task[None] | None = None
        # A thread of its own: looking keys up must not wait behind it.
        self._limiter = CapacityLimiter(1)

    def note(self, key_id: UUID) -> None:
        """Record that an existing key is used now."""
        now = time.monotonic()
        noted_at = self._noted_at.get(key_id)
        if noted_at is not None and now - noted_at < self._every_seconds:
            return
        self._noted_at[key_id] = now
        self._waiting.add(key_id)
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write_soon())

    async def close(self) -> None:
        """Write the recorded uses, if that is quick."""
        if self._writing is not None:
            self._writing.cancel()
        await self._write()

    async def _write_soon(self) -> None:
        while self._waiting:
            await asyncio.sleep(_GATHER_SECONDS)
            await self._write()

    async def _write(self) -> None:
        keys, self._waiting = sorted(self._waiting), set()
        if not keys:
            return
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS):
                await to_thread.run_sync(self._update, keys, limiter=self._limiter, abandon_on_cancel=True)
        except (SQLAlchemyError, TimeoutError) as error:
            log.debug("the uses of keys cannot be written", extra={"error": type(error).__name__})

    def _update(self, keys: Sequence[UUID]) -> None:
        with self._engine.begin() as connection:
            # A little less, as clocks and waits differ: a key in use is written each time.
            connection.execute(_WRITE, {"ids": list(keys), "seconds": self._every_seconds * 0.9})
