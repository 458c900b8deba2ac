"""How many requests make a batch: as many as take a moment, on whatever machine, and no more than is set.

Whoever comes while a batch is under way waits for its end. But each batch costs a commit beside its requests:
with a tenth of a second in place of a quarter, half of the throughput was gone on a machine with slow disks.
"""

from typing import Final

_SECONDS: Final = 0.25
_LEAST: Final = 4
_TELLING: Final = 20  # requests of a quick batch that tells how long one takes
_FAR: Final = 4  # times too large: somebody is waiting already


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
            # Halfway, as one batch says little; at once where it was far too large.
            wanted = fitting if fitting * _FAR < self.limit else (self.limit + fitting) // 2
            self.limit = min(max(wanted, _LEAST), self._most)
