"""Documents made a moment ago, to be sent again: up to a number of bytes, the last requested ones."""

import threading
from collections import OrderedDict
from collections.abc import Callable


class Recent:
    """Pieces of bytes by their names, together `most` bytes at most; for many threads."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._pieces: OrderedDict[tuple[str, ...], bytes] = OrderedDict()
        self._lock = threading.Lock()
        self.bytes = 0

    def get(self, name: tuple[str, ...], make: Callable[[], bytes]) -> bytes:
        """Return the piece of this name; one that is not there is made, and kept if it fits."""
        with self._lock:
            found = self._pieces.get(name)
            if found is not None:
                self._pieces.move_to_end(name)
                return found
        made = make()
        with self._lock:
            self._keep(name, made)
        return made

    def _keep(self, name: tuple[str, ...], piece: bytes) -> None:
        if len(piece) > self._most or name in self._pieces:
            return
        self._pieces[name] = piece
        self.bytes += len(piece)
        while self.bytes > self._most:
            self.bytes -= len(self._pieces.popitem(last=False)[1])
