"""Listening to the exchange of events during the demo."""

import threading
from collections.abc import Collection
from types import TracebackType
from typing import Any, Self

import orjson

from worker.broker.subscriptions import Subscription
from worker.runtime.settings import Settings


class Listener:
    """Collects the event messages that pass while it is entered, in a thread."""

    def __init__(self, settings: Settings) -> None:
        self._subscription = Subscription(settings.broker(), settings)
        self._events: dict[str, dict[str, Any]] = {}
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._listen, name="demo-listener", daemon=True)

    def __enter__(self) -> Self:
        self._subscription.__enter__()
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopping.set()
        self._thread.join(5)
        self._subscription.__exit__(kind, error, trace)

    def _listen(self) -> None:
        self._subscription.receive(self._take, self._stopping.is_set)

    def _take(self, body: bytes) -> None:
        event = orjson.loads(body)
        self._events[event["id"]] = event  # delivered at least once

    def of(self, subjects: Collection[str]) -> list[dict[str, Any]]:
        """Return the event messages about these subjects: others may be at work on the same broker."""
        return [event for event in list(self._events.values()) if event["subject"] in subjects]
