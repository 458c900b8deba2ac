"""What the relay of this process does, for those who watch that it gets on."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final


class Progress:
    """Notes each step of a run; a run is one call of the relay, of whichever thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._runs = 0
        self._last_step = time.monotonic()

    @contextmanager
    def run(self) -> Iterator[None]:
        """Note that a run begins, and that it ends."""
        self.step()
        with self._lock:
            self._runs += 1
        try:
            yield
        finally:
            with self._lock:
                self._runs -= 1
            self.step()

    def step(self) -> None:
        """Note that the run gets on."""
        self._last_step = time.monotonic()

    @property
    def is_running(self) -> bool:
        """Say whether a run has begun and not ended."""
        return self._runs > 0

    @property
    def idle_seconds(self) -> float:
        """Return the seconds since the last step, or since the process began."""
        return time.monotonic() - self._last_step


PROGRESS: Final = Progress()
