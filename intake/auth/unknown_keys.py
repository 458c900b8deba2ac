"""Unknown keys: cached for a while, and counted by client address.

A client that tries keys, or sends a wrong one in a loop, must not keep the database busy: that would slow
down clients with valid keys.
"""

import time
from collections import OrderedDict
from typing import Final

from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage, Storage
from limits.strategies import FixedWindowRateLimiter

REMEMBERED_SECONDS: Final = 5.0
"""How long an unknown key is cached; a new key that was tried too early works after this delay."""

_MOST_REMEMBERED: Final = 10_000


class TooManyUnknown(Exception):
    """An address has sent too many unknown keys; it may try again in `seconds`."""

    def __init__(self, seconds: int) -> None:
        super().__init__(f"try again in {seconds} s")
        self.seconds = seconds


class UnknownKeys:
    """Recently tried unknown keys; for one event loop."""

    def __init__(self, per_minute: int, windows: Storage | None = None) -> None:
        """`windows` is where addresses are counted, if not in this process."""
        self._limit = RateLimitItemPerMinute(per_minute) if per_minute else None
        self._until: OrderedDict[bytes, float] = OrderedDict()
        self._limiter = FixedWindowRateLimiter(windows or MemoryStorage())

    def __contains__(self, name: bytes) -> bool:
        until = self._until.get(name)
        return until is not None and time.monotonic() < until

    def refusal(self, address: str) -> TooManyUnknown | None:
        """Return the error for one more unknown key from the address, if it has sent too many."""
        if self._limit is None or self._limiter.test(self._limit, address):
            return None
        reset_at = self._limiter.get_window_stats(self._limit, address).reset_time
        return TooManyUnknown(max(1, round(reset_at - time.time())))

    def add(self, name: bytes, address: str) -> None:
        """Cache an unknown key."""
        if self._limit is not None:
            self._limiter.hit(self._limit, address)
        self._until[name] = time.monotonic() + REMEMBERED_SECONDS
        self._until.move_to_end(name)
        while len(self._until) > _MOST_REMEMBERED:
            self._until.popitem(last=False)
