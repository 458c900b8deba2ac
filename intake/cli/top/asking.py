"""Polling a server, without ever waiting for one that is silent."""

import threading
import time
from collections.abc import Callable
from typing import Final, Generic, TypeVar

from intake.cli.failures import sentence_of

T = TypeVar("T")

_AT_WORK: Final = 0.2
"""The maximum share of a server's time that polling may use: sales go first."""


class Asked(Generic[T]):
    """The last answer of a server, or why there is none; polled in its own thread."""

    def __init__(self, ask: Callable[[], T]) -> None:
        self._ask = ask
        self._thread: threading.Thread | None = None
        self._next_at = float("-inf")
        self.answer: T | None = None
        self.trouble: str | None = "it has not answered yet"

    def again(self, *, wait_seconds: float = 0) -> None:
        """Poll again, unless a poll is running or just ended; wait this long for the answer."""
        if self._thread is None and time.monotonic() >= self._next_at:
            self._thread = threading.Thread(target=self._run, daemon=True)
            self._thread.start()
        if self._thread is not None:
            self._thread.join(wait_seconds)
            if not self._thread.is_alive():
                self._thread = None

    def _run(self) -> None:
        began = time.monotonic()
        try:
            self.answer, self.trouble = self._ask(), None
        except Exception as error:  # noqa: BLE001 - the picture shows any error and goes on
            self.answer, self.trouble = None, sentence_of(error) or f"unexpected: {type(error).__name__}"
        ended = time.monotonic()
        self._next_at = ended + (ended - began) / _AT_WORK - (ended - began)
