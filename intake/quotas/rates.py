"""Requests per second of each key and tenant, in this process and those that share its port."""

import math
import time
from dataclasses import dataclass
from typing import Final

from limits import RateLimitItemPerSecond
from limits.storage import MemoryStorage, Storage
from limits.strategies import FixedWindowRateLimiter

from intake.auth.keys import Caller
from worker.runtime.settings import Settings


@dataclass(frozen=True, slots=True)
class Exceeded:
    """A limit that a call would exceed."""

    limit: str
    """Its setting, without the prefix."""
    most: int
    """The permitted number of requests per second."""
    seconds: int
    """Seconds until the next second begins, at least 1."""


class RequestRates:
    """Counts the requests of each second; for one event loop.

    A second begins with the first request after the previous second, or with the clock's if `windows` are
    given. Refused requests are not counted.
    """

    def __init__(self, settings: Settings, windows: Storage | None = None) -> None:
        self._limits: Final = {
            name: RateLimitItemPerSecond(most, namespace=name)
            for name in ("key_requests_per_second", "tenant_requests_per_second")
            if (most := int(getattr(settings, name)))
        }
        self._limiter = FixedWindowRateLimiter(windows or MemoryStorage()) if self._limits else None

    def take(self, caller: Caller, requests: int) -> Exceeded | None:
        """Count the requests; or count none, and return the limit that they would exceed."""
        if self._limiter is None:
            return None
        names = {"key_requests_per_second": str(caller.key_id), "tenant_requests_per_second": caller.tenant}
        for name, limit in self._limits.items():
            if not self._limiter.test(limit, names[name], cost=requests):
                reset_at = self._limiter.get_window_stats(limit, names[name]).reset_time
                return Exceeded(name, limit.amount, max(1, math.ceil(reset_at - time.time())))
        for name, limit in self._limits.items():
            self._limiter.hit(limit, names[name], cost=requests)
        return None
