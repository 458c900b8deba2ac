"""The size of a batch: as many requests as take a quarter of a second, up to the setting.

A request that arrives during a batch waits for its end. But each batch also costs a commit: with a tenth of a
second instead of a quarter, half of the throughput was lost on a machine with slow disks.
"""

from typing import Final

_SECONDS: Final = 0.25
_LEAST: Final = 4
_CONCLUSIVE: Final = 20  # requests from which on a quick batch shows how long one takes
_FAR: Final = 4  # times too large: then the limit is lowered at once


class Pace:
    """Learns from each batch how large the next may be."""

    def __init__(self, most: int) -> None:
        self._most = most
        self.limit = most
        """Approximate number of requests in the next batch."""

    def note(self, requests: int, seconds: float) -> None:
        """Adjust the limit to the duration of a batch."""
        is_conclusive = requests >= min(_CONCLUSIVE, self.limit)
        if is_conclusive or seconds > _SECONDS:
            fitting = round(_SECONDS * requests / max(seconds, 1e-6))
            # Halfway, as one batch proves little; at once if the limit was far too large.
            wanted = fitting if fitting * _FAR < self.limit else (self.limit + fitting) // 2
            self.limit = min(max(wanted, _LEAST), self._most)
