"""When to look for outcomes: often enough to answer soon, and not more often than callers profit from."""

from typing import Final

_SOONEST_SECONDS: Final = 0.002
"""No worker is faster than that."""

_LATEST_SECONDS: Final = 0.02
_USUAL: Final = 0.8
"""The first look is after this part of the time that the fastest outcomes have lately taken."""

_FORGETTING: Final = 0.02
"""How much of the difference a slower outcome adds to that time."""

_LEAST_SECONDS: Final = 0.001
_MOST_SECONDS: Final = 0.05
_LONGEST_REST_SECONDS: Final = 0.5


class LookTimes:
    """Chooses the times of looks, and learns from the outcomes how soon one can be known."""

    def __init__(self) -> None:
        self._usual_seconds = 0.0

    def note(self, seconds: float) -> None:
        """Remember how soon an outcome was known: the least time, which slower outcomes raise slowly."""
        usual = self._usual_seconds
        is_less = seconds < usual or not usual
        self._usual_seconds = seconds if is_less else usual + _FORGETTING * (seconds - usual)

    def until_first(self) -> float:
        """Return the seconds until the look for a caller when nobody else waits."""
        return min(max(_USUAL * self._usual_seconds, _SOONEST_SECONDS), _LATEST_SECONDS)

    def until_next(self, waiting: int, youngest_seconds: float, took_seconds: float) -> float:
        """Return the seconds until the next look.

        The more callers wait, the rarer the looks; a caller that has waited long can wait a little longer.
        The thread rests as long as the last look took, but not longer than half a second: the database may
        have been away.
        """
        rest = min(took_seconds, _LONGEST_REST_SECONDS)
        if not waiting:
            return rest  # the next caller is new
        interval = max(_LEAST_SECONDS * (1 + waiting / 8), min(youngest_seconds / 8, _MOST_SECONDS))
        return max(interval, rest)
