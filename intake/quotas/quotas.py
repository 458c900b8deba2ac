"""The limits of a key, a tenant and the queue as a whole, checked before anything is published."""

import math
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import Final

from limits.storage import Storage

from intake.auth.keys import Caller
from intake.quotas.depth_watch import DepthWatch
from intake.quotas.queued import Queued, Sender
from intake.quotas.rates import RequestRates
from intake.web.problems import Problem
from willcall.messages import Message
from willcall.queues import share_of
from worker.runtime.metrics import LIMITED
from worker.runtime.settings import PREFIX, Settings

_OF_A_CALL: Final = (
    "key_requests_per_second",
    "tenant_requests_per_second",
    "max_queued_per_key",
    "max_queued_per_tenant",
)
"""The limits that a single call can exceed, so that trying again would not help."""

_COME_BACK_SECONDS: Final = 5
"""The `Retry-After` of a full queue, which is read each second and empties slowly."""


class Quotas:
    """Refuses calls beyond the limits; for one event loop. Refused requests are not published."""

    def __init__(self, settings: Settings, windows: Storage | None = None) -> None:
        """`windows` is where requests per second are counted, if not in this process."""
        self._queued = Queued()
        self._settings = settings
        self._broker_url = settings.broker()
        self._rates = RequestRates(settings, windows)
        self._watch = DepthWatch(settings, self._queued)

    @asynccontextmanager
    async def watching(self) -> AsyncIterator[None]:
        """Read the queues' depths while the block runs."""
        self._watch.start()
        try:
            yield
        finally:
            await self._watch.close()

    @property
    def is_watching(self) -> bool:
        """Say whether the queues' depths are known; otherwise no call is refused for them."""
        return self._watch.is_known

    @property
    def waiting(self) -> int:
        """Return how many requests are in the queues, while `is_watching`."""
        return self._queued.in_all()

    def count(self, caller: Caller, requests: int = 1) -> None:
        """Count requests in this second. Raises `Problem`: 429 for too many."""
        exceeded = self._rates.take(caller, requests)
        if exceeded is not None:
            whose = "this API key" if exceeded.limit.startswith("key") else "this tenant"
            detail = f"{whose} may send {_counted(exceeded.most)} per second"
            raise _limited(exceeded.limit, detail, exceeded.seconds)

    def check_size(self, requests: int) -> None:
        """Raise `Problem` with the status 413 for a call with more requests than a limit permits."""
        for limit in _OF_A_CALL:
            most = getattr(self._settings, limit)
            if most and requests > most:
                LIMITED.labels(limit).inc()
                name = PREFIX + limit.upper()
                raise Problem(413, f"a call may have at most {_counted(most)} ({name}); send fewer")

    def check_queue(self, caller: Caller, requests: int = 1) -> None:
        """Raise `Problem` if this many more requests may not wait: 429, or 503 if the queue is full."""
        if not self.is_watching:
            return  # a broker that is down causes its own error when publishing
        settings = self._settings
        for limit, whose, waiting in (
            ("max_queued_per_key", "this API key", self._queued.of_key(str(caller.key_id))),
            ("max_queued_per_tenant", "this tenant", self._queued.of_tenant(caller.tenant)),
        ):
            most = getattr(settings, limit)
            # Each process counts its own messages. A single call within the limit always passes.
            share = math.ceil(most / settings.intake_processes)
            if most and waiting and waiting + requests > share:
                waits = waiting if share == most else f"about {waiting * settings.intake_processes}"
                detail = f"{whose} may have {_counted(most)} in the queue, and has {waits}"
                raise _limited(limit, detail, _COME_BACK_SECONDS)
        most, waiting = settings.max_queued, self._queued.in_all()
        if most and waiting + requests > most:
            detail = f"the queue may hold {_counted(most)}, and is full"
            raise _limited("max_queued", detail, _COME_BACK_SECONDS, status=503)

    def published(self, messages: Sequence[Message]) -> None:
        """Count messages that the broker has confirmed."""
        for message in messages:
            tenant = message.tenant or ""
            senders = {Sender(tenant, by): count for by, count in message.requests_by.items()}
            self._queued.add(share_of(tenant, self._broker_url), senders)

    @contextmanager
    def taking(self, caller: Caller, requests: int) -> Iterator[None]:
        """Let the block publish the requests of a call, one of which was counted on arrival.

        Raises `Problem`: 413, 429 or 503; then nothing may be published.
        """
        self.check_size(requests)
        if requests > 1:
            self.count(caller, requests - 1)
        self.check_queue(caller, requests)
        sender = Sender(caller.tenant, str(caller.key_id))
        self._queued.begin(sender, requests)
        try:
            yield
        except BaseException:
            self._queued.give_up(sender, requests)
            raise


def _counted(requests: int) -> str:
    return "1 request" if requests == 1 else f"{requests} requests"


def _limited(limit: str, detail: str, seconds: int, status: int = 429) -> Problem:
    LIMITED.labels(limit).inc()
    name = PREFIX + limit.upper()
    return Problem(status, f"{detail} ({name}); try again later", headers={"retry-after": str(seconds)})
