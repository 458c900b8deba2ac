"""How many requests make a batch: as many as take a moment, on whatever machine, and no more than is set.

Whoever comes while a batch is under way waits for its end. Larger ones gain little: what a batch costs beside
its requests is small against a tenth of a second.
"""

from typing import Final

_SECONDS: Final = 0.1
_LEAST: Final = 4
_TELLING: Final = 20  # requests of a quick batch that tells how long one takes


class Pace:
    """Learns from each batch how large the next may be."""

    def __init__(self, most: int) -> None:
        self._most = most
        self.limit = most
        """Requests in the next batch, about."""

    def note(self, requests: int, seconds: float) -> None:
        """Take into account that a batch of so many requests took so long."""
        is_telling = requests >= min(_TELLING, self.limit)
        if is_telling or seconds > _SECONDS:
            fitting = round(_SECONDS * requests / max(seconds, 1e-6))
            # Up halfway, as one quick batch says little; down at once, as somebody is waiting already.
            self.limit = min(max(min((self.limit + fitting) // 2, fitting), _LEAST), self._most)
