"""Each tenant's share of the database's readers: a tenant's slow reads do not slow down others."""

import asyncio
from collections.abc import AsyncIterator, MutableMapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from starlette.types import ASGIApp, Receive, Scope, Send

from intake.web.problems import RETRY_AFTER_SECONDS, Problem
from worker.runtime.metrics import LIMITED

READERS: Final = 20
"""Calls that read at the same time, each with a thread and a connection."""

SHARE: Final = READERS // 5
"""Of a tenant: what reads shares one interpreter, so that more at once only keep others waiting."""
_LONGEST_LINE: Final = 200

_KEY: Final = "willcall.shares"


@dataclass(slots=True)
class _Share:
    free: asyncio.Semaphore
    calls: int = 0
    """Calls that read, and calls that wait to read."""


class Shares:
    """How many calls of each tenant read at this moment; for one event loop.

    `most` read at the same time, `line` more wait for that; `limit` names both in the metrics.
    """

    def __init__(self, most: int = SHARE, line: int = _LONGEST_LINE, *, limit: str = "reads_at_once") -> None:
        self._most = most
        self._line = line
        self._limit = limit
        self._shares: dict[UUID, _Share] = {}

    @property
    def waiting(self) -> int:
        """Return how many calls wait for their tenant's share."""
        return sum(max(share.calls - self._most, 0) for share in self._shares.values())

    async def enter(self, scope: MutableMapping[str, Any], tenant_id: UUID) -> None:
        """Let a call read, when its tenant's share is not taken; until the call has been answered.

        Raises `Problem` with the status 429 when already too many wait.
        """
        if scope[_KEY]:
            return
        scope[_KEY].append((self, tenant_id, await self._take(tenant_id, is_promised=False)))

    @asynccontextmanager
    async def held(self, tenant_id: UUID, *, is_promised: bool = False) -> AsyncIterator[None]:
        """Run the block when its tenant's share is not taken.

        Raises `Problem` with the status 429 when already too many wait, unless it is promised.
        """
        share = await self._take(tenant_id, is_promised=is_promised)
        try:
            yield
        finally:
            self.leave(tenant_id, share)

    async def _take(self, tenant_id: UUID, *, is_promised: bool) -> _Share:
        share = self._shares.setdefault(tenant_id, _Share(asyncio.Semaphore(self._most)))
        if not is_promised and share.calls >= self._most + self._line:
            LIMITED.labels(self._limit).inc()
            raise Problem(
                429,
                f"{share.calls} reading calls of this tenant are under way; try again later",
                headers={"retry-after": RETRY_AFTER_SECONDS},
            )
        share.calls += 1
        try:
            await share.free.acquire()
        except BaseException:
            self._leave(tenant_id, share)
            raise
        return share

    def leave(self, tenant_id: UUID, share: _Share) -> None:
        """Give the share back."""
        share.free.release()
        self._leave(tenant_id, share)

    def _leave(self, tenant_id: UUID, share: _Share) -> None:
        share.calls -= 1
        if not share.calls:
            self._shares.pop(tenant_id, None)


class LeaveShares:
    """ASGI middleware that gives back what a call has taken, however it ends."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the call on."""
        taken: list[tuple[Shares, UUID, _Share]] = []
        scope[_KEY] = taken
        try:
            await self._app(scope, receive, send)
        finally:
            for shares, tenant_id, share in taken:
                shares.leave(tenant_id, share)
