"""Publishing from the event loop: concurrent callers share one wait for the broker."""

import asyncio
import logging
import threading
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from prometheus_client import Counter

from willcall.messages import Message
from willcall.packing import Outgoing, pack
from willcall.publishing import NotConfirmed, Publisher
from worker.runtime.metrics import PUBLISHED
from worker.runtime.settings import Settings

log = logging.getLogger(__name__)

GROUPS: Final = Counter("willcall_intake_groups_total", "Groups published with one wait for the broker.")

MAX_WAITING_BYTES: Final = 64 * 1024 * 1024
"""Requests that may wait for the broker, in bytes of their JSON; more are refused."""

_GROUP_BYTES: Final = 4 * 1024 * 1024
# A group waits for its confirms, and may first have waited for those of the group before it.
_GROUPS_OF_PATIENCE: Final = 2


@dataclass(slots=True)
class _Caller:
    requests: Sequence[Outgoing]
    size: int
    confirmed: asyncio.Future[None]


class GroupPublisher:
    """A thread that owns a connection to the broker, and publishes for all callers of one event loop."""

    def __init__(
        self,
        settings: Settings,
        *,
        max_waiting_bytes: int = MAX_WAITING_BYTES,
        on_published: Callable[[Sequence[Message]], None] = lambda _: None,
    ) -> None:
        self._publisher = Publisher(settings.broker(), settings)
        self._patience = settings.publish_timeout_seconds * _GROUPS_OF_PATIENCE
        self._max_waiting_bytes = max_waiting_bytes
        self._on_published = on_published  # called in the event loop, before those who wait are answered
        self._changed = threading.Condition()
        self._callers: deque[_Caller] = deque()
        self._waiting_bytes = 0
        self._is_closing = False
        # A daemon: a broker that never answers must not keep the process from ending.
        self._thread = threading.Thread(target=self._run, name="intake-publisher", daemon=True)

    def start(self) -> None:
        """Start the thread; called inside the event loop that `publish` will be called in."""
        self._loop = asyncio.get_running_loop()
        self._thread.start()

    async def publish(self, requests: Sequence[Outgoing]) -> None:
        """Return when the broker has confirmed all the requests.

        Raises `NotConfirmed`: the broker may or may not have them, or too many wait already.
        """
        try:
            await self._publish(requests)
        except NotConfirmed:
            PUBLISHED.labels("unavailable").inc(len(requests))
            raise
        PUBLISHED.labels("accepted").inc(len(requests))

    async def _publish(self, requests: Sequence[Outgoing]) -> None:
        size = sum(len(request.json) for request in requests)
        caller = _Caller(requests, size, self._loop.create_future())
        with self._changed:
            if self._is_closing:
                raise NotConfirmed("the intake is shutting down")
            if self._waiting_bytes + size > self._max_waiting_bytes:
                raise NotConfirmed("too many requests wait for the broker")
            self._callers.append(caller)
            self._waiting_bytes += size
            self._changed.notify()
        try:
            async with asyncio.timeout(self._patience):
                await caller.confirmed
        except TimeoutError as error:
            raise NotConfirmed(f"the broker did not confirm within {self._patience:g} s") from error

    def close(self) -> None:
        """Publish what waits, close the connection, and end the thread. Blocks: not for the event loop."""
        with self._changed:
            self._is_closing = True
            self._changed.notify()
        self._thread.join(self._patience)

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._callers or self._is_closing)
                if not self._callers:
                    break
                group = self._take()
            error = self._publish_group(group)
            with suppress(RuntimeError):  # the loop was closed: no caller waits any more
                self._loop.call_soon_threadsafe(_answer, group, error)
        self._publisher.close()

    def _take(self) -> list[_Caller]:
        group: list[_Caller] = []
        size = 0
        while self._callers and size < _GROUP_BYTES:
            caller = self._callers.popleft()
            self._waiting_bytes -= caller.size
            # Callers that timed out were told to send again; publishing theirs too would be useless.
            if not caller.confirmed.cancelled():
                group.append(caller)
                size += caller.size
        return group

    def _publish_group(self, group: Sequence[_Caller]) -> NotConfirmed | None:
        requests = [request for caller in group for request in caller.requests]
        if not requests:
            return None
        try:
            messages = pack(requests)
            self._publisher.publish(messages)
        except NotConfirmed as error:
            log.warning("requests are not confirmed", extra={"requests": len(requests), "reason": str(error)})
            return error
        except Exception as error:  # noqa: BLE001 - the thread must live on, and its callers be answered
            log.error("publishing failed unexpectedly", extra={"error": type(error).__name__})
            return NotConfirmed(f"publishing failed: {type(error).__name__}")
        GROUPS.inc()
        with suppress(RuntimeError):  # the loop was closed: nothing is counted any more
            self._loop.call_soon_threadsafe(self._on_published, messages)
        return None


def _answer(group: Sequence[_Caller], error: NotConfirmed | None) -> None:
    for caller in group:
        if caller.confirmed.done():
            continue
        if error is None:
            caller.confirmed.set_result(None)
        else:
            caller.confirmed.set_exception(NotConfirmed(str(error)))
