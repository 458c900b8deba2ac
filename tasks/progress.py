"""The progress of this process's relay, for the thread that watches it."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final


class Progress:
    """Records each step of a run; a run is one call of the relay, in any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._runs = 0
        self._last_step = time.monotonic()

    @contextmanager
    def run(self) -> Iterator[None]:
        """Record the begin and the end of a run."""
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
        """Record that the run makes progress."""
        self._last_step = time.monotonic()

    @property
    def is_running(self) -> bool:
        """Tell whether a run has begun and not ended."""
        return self._runs > 0

    @property
    def idle_seconds(self) -> float:
        """Return the seconds since the last step, or since the process started."""
        return time.monotonic() - self._last_step


PROGRESS: Final = Progress()
