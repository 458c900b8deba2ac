"""What this process knows of the nodes of the broker, so that no connection tries a dead one first.

Everything that connects shares it: what one connection found out about a node, the next one need not.
"""

import logging
import random
import threading
import time
from collections.abc import Sequence
from functools import cache
from typing import Final

from worker.runtime.broker_urls import address_of, nodes_in

log = logging.getLogger(__name__)

_REMEMBERED_SECONDS: Final = 60.0
"""For so long a failure counts against a node. A node that works is kept meanwhile and afterwards."""

_SHORT_SECONDS: Final = 1.5
"""How long one of several nodes may take for an answer while we connect, at first."""

# Of our own: a thread that connects must not disturb a program that relies on a seed.
_DICE: Final = random.SystemRandom()


class Nodes:
    """The nodes in the order in which to try them; for all threads of a process."""

    def __init__(self, urls: Sequence[str]) -> None:
        # Each process in an order of its own, or all would be on the first node and none on the others.
        self._urls = tuple(_DICE.sample(urls, len(urls)))
        self._lock = threading.Lock()
        self._failed_at: dict[str, float] = {}
        self._last_good: str | None = None
        self._vain = 0  # attempts to connect, since one succeeded

    @property
    def count(self) -> int:
        """How many there are."""
        return len(self._urls)

    def best(self) -> str:
        """Return the node to try: the last good one, any other that did not fail, the one that failed first.

        Whoever reports each failure, and asks again, tries them all in turn.
        """
        with self._lock:
            since = time.monotonic() - _REMEMBERED_SECONDS
            return min(self._urls, key=lambda url: self._rank(url, since))

    def _rank(self, url: str, since: float) -> tuple[float, bool]:
        failed_at = self._failed_at.get(url, 0.0)
        return (failed_at if failed_at > since else 0.0, url != self._last_good)

    def serves(self, url: str) -> None:
        """Note that a node let us connect; whether it works is not known, so it clears no failure."""
        with self._lock:
            is_new, self._last_good = url != self._last_good, url
            self._vain = 0
        if is_new:
            log.info("connected to a node of the broker", extra={"node": address_of(url)})

    def refuses(self, url: str) -> None:
        """Note that a node did not let us connect."""
        with self._lock:
            self._vain += 1
        self.fails(url)

    def fails(self, url: str) -> None:
        """Note that a node failed, or did not answer, after we had connected."""
        with self._lock:
            is_new, self._failed_at[url] = url == self._last_good, time.monotonic()
            if is_new:
                self._last_good = None
        if is_new:
            log.warning("a node of the broker fails; others are tried", extra={"node": address_of(url)})

    def patience(self, seconds: float) -> float:
        """Return how long a node may take for an answer, of the seconds that there are.

        Little where there are others to try, and more with each round in which all of them were in vain: they
        may be slow and not dead. All together take no longer than `seconds`, or the shortest patience each.
        """
        if self.count == 1:
            return seconds
        grown: float = _SHORT_SECONDS * 2 ** min(self._vain // self.count, 10)
        return min(seconds, grown, max(_SHORT_SECONDS, seconds / self.count))


def nodes_of(broker_url: str) -> Nodes:
    """Return what this process knows of the nodes that a URL names, in whatever order it names them."""
    return _nodes(tuple(sorted(nodes_in(broker_url))))


_nodes = cache(Nodes)
