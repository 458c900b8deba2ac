"""Authentication: keys are looked up in the database and cached for a while."""

import asyncio
import logging
import time
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from anyio import CapacityLimiter, to_thread
from limits.storage import Storage
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError

from intake.auth.key_lookups import LaneFull, SlowLane
from intake.auth.keys import Caller, find_caller, find_caller_by_id, hash_key, is_key
from intake.auth.unknown_keys import TooManyUnknown, UnknownKeys
from intake.clock import utc_now
from worker.runtime.secret_key import SecretKeyUnusable

log = logging.getLogger(__name__)

FRESH_SECONDS: Final = 5.0
"""How long a key counts as valid without a look-up; a revoked key may work for this long."""

GRACE_SECONDS: Final = 600.0
"""How long a key keeps working while the database is down, so that orders are still taken."""

_PATIENCE_SECONDS: Final = 3.0
_SILENCE_SECONDS: Final = 1.0
_THREADS: Final = 4


__all__ = ["Authenticator", "KeysUnavailable", "TooManyUnknown"]


class KeysUnavailable(Exception):
    """The database does not answer, and the key is not cached."""


@dataclass(slots=True)
class _Remembered:
    caller: Caller
    confirmed_at: float
    good_until: float


class Authenticator:
    """Finds the caller of a key; for one event loop."""

    def __init__(
        self,
        engine: Engine,
        *,
        fresh_seconds: float = FRESH_SECONDS,
        grace_seconds: float = GRACE_SECONDS,
        unknown_keys_per_minute: int = 0,
        windows: Storage | None = None,
    ) -> None:
        self._engine = engine
        self._fresh_seconds = fresh_seconds
        self._grace_seconds = grace_seconds
        # Only existing keys are cached: invented ones cannot fill the memory.
        self._remembered: dict[bytes, _Remembered] = {}
        self._lookups: dict[bytes, asyncio.Task[Caller | None]] = {}
        self._silent_until = 0.0
        self._unknown = UnknownKeys(unknown_keys_per_minute, windows)
        # Threads of its own: slow queries of others must not hold up orders. And however many callers try
        # unknown keys, the revocation of a known one is read in time.
        self._known = CapacityLimiter(_THREADS)
        self._new = CapacityLimiter(_THREADS // 2)
        self._slow_lane = SlowLane(engine, _PATIENCE_SECONDS)

    async def find(self, key: str | UUID, address: str = "") -> Caller | None:
        """Return the caller of the key, or None for an unknown, revoked or expired one.

        The id of a key, which alone proves nothing, is for dialects that sign with its secret. `address` is
        the client's. Raises `KeysUnavailable`, or `TooManyUnknown` for an unknown key.
        """
        if isinstance(key, str) and not is_key(key):
            return None
        caller = await self._find(key.bytes if isinstance(key, UUID) else hash_key(key), address)
        # A cached key may have expired since, above all while the database is down.
        return None if caller is None or caller.has_expired(utc_now()) else caller

    async def _find(self, name: bytes, address: str) -> Caller | None:
        known = self._remembered.get(name)
        if known is None:
            return await self._find_new(name, address)
        if self._is_good(known, name, time.monotonic()):
            return known.caller
        try:
            return await self._look_up(name, self._known)
        except KeysUnavailable:
            now = time.monotonic()
            if now - known.confirmed_at > self._grace_seconds:
                raise
            known.good_until = now + self._fresh_seconds
            return known.caller

    async def _find_new(self, name: bytes, address: str) -> Caller | None:
        if name in self._unknown:
            return None
        refusal = self._unknown.refusal(address)
        if refusal is not None and not await self._exists(name):
            raise refusal
        caller = await self._look_up(name, self._new)
        if caller is None:
            self._unknown.add(name, address)
        return caller

    async def _exists(self, name: bytes) -> bool:
        """Look up whether the key exists, if its address has sent too many unknown ones."""
        if time.monotonic() < self._silent_until:
            raise KeysUnavailable
        try:
            return await self._slow_lane.exists(name)
        except LaneFull:
            return False
        except (SQLAlchemyError, TimeoutError) as error:
            log.warning("the keys cannot be read", extra={"error": type(error).__name__})
            raise KeysUnavailable from error

    def _is_good(self, known: _Remembered, name: bytes, now: float) -> bool:
        if now < known.good_until:
            return True
        # While one caller looks the key up again, the others use the cached answer.
        return name in self._lookups and now - known.confirmed_at < 2 * self._fresh_seconds

    async def _look_up(self, name: bytes, threads: CapacityLimiter) -> Caller | None:
        """Query the database, once for all concurrent callers with the same key."""
        lookup = self._lookups.get(name)
        if lookup is None:
            lookup = self._lookups[name] = asyncio.create_task(self._ask(name, threads))
            lookup.add_done_callback(lambda done: self._forget(name, done))
        return await asyncio.shield(lookup)

    def _forget(self, name: bytes, lookup: asyncio.Task[Caller | None]) -> None:
        self._lookups.pop(name, None)
        if not lookup.cancelled():
            lookup.exception()  # retrieved, even if every waiting caller is gone

    async def _ask(self, name: bytes, threads: CapacityLimiter) -> Caller | None:
        # After a failure no caller waits for the next one: a database that is down often fails slowly.
        if time.monotonic() < self._silent_until:
            raise KeysUnavailable
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS):
                caller = await to_thread.run_sync(self._read, name, limiter=threads, abandon_on_cancel=True)
        except SecretKeyUnusable as error:  # only this key's row: other keys may be fine
            log.error("the secrets of a key cannot be decrypted", extra={"error": str(error)})
            raise KeysUnavailable from error
        except (SQLAlchemyError, TimeoutError) as error:
            # Many new keys may wait for each other: that says nothing about the database.
            if threads is self._known or not isinstance(error, TimeoutError):
                self._silent_until = time.monotonic() + _SILENCE_SECONDS
            log.warning("the keys cannot be read", extra={"error": type(error).__name__})
            raise KeysUnavailable from error
        if caller is None:
            self._remembered.pop(name, None)
        else:
            now = time.monotonic()
            self._remembered[name] = _Remembered(caller, now, now + self._fresh_seconds)
        return caller

    def _read(self, name: bytes) -> Caller | None:
        with self._engine.connect() as connection:
            return _read_caller(connection, name)


def _read_caller(connection: Connection, name: bytes) -> Caller | None:
    if len(name) == len(UUID(int=0).bytes):
        return find_caller_by_id(connection, UUID(bytes=name))
    return find_caller(connection, name)
