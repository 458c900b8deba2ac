"""Recording since when a thread waits for the broker, for a thread that watches it."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class Pulse:
    """Written by one thread while it waits for the broker; any thread may read it.

    `abort` ends such a wait from another thread, if that is possible at the moment.
    """

    def __init__(self) -> None:
        self.abort: Callable[[], None] | None = None
        self._waiting_since: float | None = None

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Record that the thread waits for the broker inside the block."""
        self._waiting_since = time.monotonic()
        try:
            yield
        finally:
            self._waiting_since = None

    @property
    def seconds(self) -> float:
        """Return how long the thread has waited; 0 if it does not wait."""
        since = self._waiting_since
        return 0.0 if since is None else time.monotonic() - since
