"""Documents for callers: a stored one is sent at once; otherwise it is requested and waited for briefly."""

import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from functools import partial
from typing import Final, TypeVar
from uuid import UUID

from anyio import CapacityLimiter, to_thread
from sqlalchemy import Connection, Engine

from intake.documents.store import ask, find, find_made, read_part
from intake.documents.versions import version_of
from intake.documents.waking import Waker
from intake.documents.wanted_version import Asking, Content
from intake.reads.reader_shares import Shares
from intake.requests.row_polling import Awaited
from intake.web.problems import Problem, not_found
from intake.web.unexpected import AnswerCut
from willcall.publishing import Publisher
from worker.runtime.settings import Settings

_WAIT_SECONDS: Final = 2.0
_RETRY_SECONDS: Final = 2
_IDLE_RETRY_SECONDS: Final = 15
_POLL_SECONDS: Final = 0.05
_PART_BYTES: Final = 256 * 1024

_THREADS: Final = 4
"""Calls for documents that use the database at the same moment; one more is for the calls that wait."""

_SHARE: Final = 2
"""Of these threads, those that one tenant's documents may have."""

_LONGEST_LINE: Final = 100
"""Calls of a tenant that wait for them; browsers do not ask again for a picture that was refused."""

_Result = TypeVar("_Result")


class NotMadeYet(Exception):
    """The document cannot be sent now; the message says why, and when to try again."""

    def __init__(self, status: int, sentence: str, retry_seconds: int = _RETRY_SECONDS) -> None:
        super().__init__(sentence)
        self.status = status
        self.sentence = sentence
        self.retry_seconds = retry_seconds


@dataclass(frozen=True, slots=True)
class Made:
    """A document that is kept, and of which version it is."""

    order_id: UUID
    tenant_id: UUID
    version: str
    bytes: int


class Documents:
    """The intake's documents; for one event loop. `engine` is for them alone."""

    def __init__(self, engine: Engine, settings: Settings) -> None:
        self._engine = engine.execution_options(isolation_level="AUTOCOMMIT")
        self._threads = CapacityLimiter(_THREADS)
        self._shares = Shares(_SHARE, _LONGEST_LINE, limit="documents_at_once")
        self._made: Awaited[bool] = Awaited(engine, find_made, every=_POLL_SECONDS)
        self._waker = Waker(Publisher(settings.broker(), settings))
        self._most = settings.documents_waiting

    async def look(self, look: Callable[[Connection], _Result]) -> _Result:
        """Look up whose a document is, before that is known: a short statement."""
        return await to_thread.run_sync(self._connected, look, limiter=self._threads)

    async def run(
        self, tenant_id: UUID, look: Callable[[Connection], _Result], *, is_promised: bool = False
    ) -> _Result:
        """Call something with a connection, in one of the tenant's share of the threads for documents.

        Raises `Problem` with the status 429 when too many of the tenant's wait, unless it is promised: a part
        of an answer that has begun.
        """
        async with self._shares.held(tenant_id, is_promised=is_promised):
            return await self.look(look)

    async def draw(self, tenant_id: UUID, draw: Callable[[], _Result]) -> _Result:
        """Call something that needs no connection, in the same share. Raises `Problem` in the same way."""
        async with self._shares.held(tenant_id):
            return await to_thread.run_sync(draw, limiter=self._threads)

    def _connected(self, look: Callable[[Connection], _Result]) -> _Result:
        with self._engine.connect() as connection:
            return look(connection)

    async def find(self, order_id: UUID, tenant_id: UUID) -> Made:
        """Return the order's document as it is now, or as it was when it was asked for.

        Of an order that changes all the time, one that was made a moment ago: there is never one of now.

        Raises `NotMadeYet`, and `Problem` where there is none.
        """
        deadline = time.monotonic() + _WAIT_SECONDS
        asking = Asking()
        while True:
            is_last = time.monotonic() >= deadline
            made = await self.run(
                tenant_id, lambda connection: self._made_or_asked(connection, order_id, tenant_id, asking)
            )
            if made is None and is_last:
                made = asking.second_best()
            if made is not None:
                return Made(order_id, tenant_id, *made)
            if is_last:
                raise NotMadeYet(202, "The document is being made.")
            await self._made.wait([order_id], deadline)

    def _made_or_asked(
        self, connection: Connection, order_id: UUID, tenant_id: UUID, asking: Asking
    ) -> Content | None:
        version = version_of(connection, order_id)
        if version is None:
            raise not_found()
        found = find(connection, order_id)
        good = asking.look(found, version)
        if good is not None:
            return good
        if found is not None and found.has_failed:
            raise Problem(500, "the document could not be made; the operators' log says why")
        if found is not None and found.is_forgotten:
            raise NotMadeYet(503, "No process makes documents at the moment.", _IDLE_RETRY_SECONDS)
        if (found is None or found.is_made) and self._ask(connection, order_id, tenant_id, version):
            asking.has_asked(found)
        return None

    def _ask(self, connection: Connection, order_id: UUID, tenant_id: UUID, version: str) -> bool:
        asked = ask(connection, order_id, tenant_id, version=version, most=self._most)
        if asked == "full":
            sentence = f"{self._most} documents of this tenant already wait to be made."
            raise NotMadeYet(429, sentence)
        if asked == "new":
            self._waker.wake()
        return asked == "new"

    async def parts_of(self, made: Made) -> AsyncIterator[bytes]:
        """Read the document part by part: of one that is sent slowly only a part is in memory."""
        for start in range(0, made.bytes, _PART_BYTES):
            part = await self.run(made.tenant_id, partial(_part, made, start), is_promised=True)
            if part is None:
                raise AnswerCut("a document was replaced while it was sent")
            yield part

    async def close(self) -> None:
        """End the waiting, and the connection to the broker."""
        await self._made.close()
        await to_thread.run_sync(self._waker.close)


def _part(made: Made, start: int, connection: Connection) -> bytes | None:
    return read_part(connection, made.order_id, made.version, start, _PART_BYTES)
