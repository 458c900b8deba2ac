"""Of the readers of the database each tenant has a share at most: one that reads slowly slows nobody else."""

import asyncio
from collections.abc import MutableMapping
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from starlette.types import ASGIApp, Receive, Scope, Send

from intake.problems import RETRY_AFTER_SECONDS, Problem
from worker.metrics import LIMITED

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
    """Those that read, and those that wait for it."""


class Shares:
    """How many calls of each tenant read at this moment; for one event loop."""

    def __init__(self) -> None:
        self._shares: dict[UUID, _Share] = {}

    async def enter(self, scope: MutableMapping[str, Any], tenant_id: UUID) -> None:
        """Let a call read, when its tenant's share is not taken; until the call has been answered.

        Raises `Problem` with the status 429 when already too many wait.
        """
        if scope[_KEY]:
            return
        share = self._shares.setdefault(tenant_id, _Share(asyncio.Semaphore(SHARE)))
        if share.calls >= SHARE + _LONGEST_LINE:
            LIMITED.labels("reads_at_once").inc()
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
        scope[_KEY].append((self, tenant_id, share))

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
