"""Since when a thread waits for the broker, for another thread that notices when it waits too long."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class Pulse:
    """One thread says when it waits for the broker and when it does something else; any thread may look.

    `abort` ends such a wait from outside, if that is possible at the moment.
    """

    def __init__(self) -> None:
        self.abort: Callable[[], None] | None = None
        self._waiting_since: float | None = None

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Say that the broker is waited for inside the block."""
        self._waiting_since = time.monotonic()
        try:
            yield
        finally:
            self._waiting_since = None

    @property
    def seconds(self) -> float:
        """Return for how long the thread has waited; 0 if it does something else."""
        since = self._waiting_since
        return 0.0 if since is None else time.monotonic() - since
