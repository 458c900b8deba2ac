"""Looks up which of many keys exist: one thread and one statement at a time, for all waiting callers.

An address that has sent too many unknown keys is refused, but valid keys from it are not: behind a proxy all
clients share one address. The look-up tells them apart.
"""

import asyncio
from collections.abc import Collection
from typing import Final

from anyio import CapacityLimiter, to_thread
from sqlalchemy import Engine

from intake.auth.keys import existing_keys

# More than the default number of calls of a process; keys beyond it count as unknown.
_MOST_WAITING: Final = 2_000
_PAUSE_SECONDS: Final = 0.01
"""The pause before each statement, to collect more keys: a flood costs 100 statements per second."""


class LaneFull(Exception):
    """More keys wait than are looked up."""


class SlowLane:
    """Looks up whether keys exist; for one event loop."""

    def __init__(self, engine: Engine, patience_seconds: float) -> None:
        self._engine = engine
        self._patience_seconds = patience_seconds
        self._limiter = CapacityLimiter(1)
        self._waiting: dict[bytes, asyncio.Future[bool]] = {}
        self._run: asyncio.Task[None] | None = None

    async def exists(self, name: bytes) -> bool:
        """Say whether a key with this hash or id exists; it may be revoked or expired.

        Raises `LaneFull`, or, as the database does, `SQLAlchemyError` or `TimeoutError`.
        """
        answer = self._waiting.get(name)
        if answer is None:
            if len(self._waiting) >= _MOST_WAITING:
                raise LaneFull
            answer = self._waiting[name] = asyncio.get_running_loop().create_future()
            # Retrieved, even if every waiting caller is gone.
            answer.add_done_callback(lambda done: done.cancelled() or done.exception())
        if self._run is None:
            self._run = asyncio.create_task(self._answer_all())
        return await asyncio.shield(answer)

    async def _answer_all(self) -> None:
        try:
            while self._waiting:
                await asyncio.sleep(_PAUSE_SECONDS)
                asked, self._waiting = self._waiting, {}
                await self._answer(asked)
        finally:
            self._run = None

    async def _answer(self, asked: dict[bytes, asyncio.Future[bool]]) -> None:
        try:
            async with asyncio.timeout(self._patience_seconds):
                found = await to_thread.run_sync(
                    self._read, list(asked), limiter=self._limiter, abandon_on_cancel=True
                )
        except Exception as error:  # noqa: BLE001 - each waiting caller raises it
            for answer in asked.values():
                answer.set_exception(error)
        else:
            for name, answer in asked.items():
                answer.set_result(name in found)
        finally:  # if the loop ends meanwhile
            for answer in asked.values():
                answer.cancel()

    def _read(self, names: Collection[bytes]) -> set[bytes]:
        with self._engine.connect() as connection:
            return existing_keys(connection, names)
