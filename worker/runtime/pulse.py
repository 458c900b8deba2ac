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
        self.waiting_since: float | None = None
        """When the current call began (monotonic seconds), which also tells it from others; None: no call."""

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Record that the thread waits for the broker inside the block."""
        self.waiting_since = time.monotonic()
        try:
            yield
        finally:
            self.waiting_since = None
