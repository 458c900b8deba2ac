"""The state of the broker's nodes as this process knows it, so that no connection tries a dead one first.

All connections share it: what one finds out about a node, the next one knows.
"""

import logging
import random
import threading
import time
from collections.abc import Sequence
from functools import cache
from typing import Final

from willcall.broker_urls import address_of, nodes_in

log = logging.getLogger(__name__)

_REMEMBERED_SECONDS: Final = 60.0
"""How long a failure counts against a node. A working node stays in use meanwhile and afterwards."""

_SHORT_SECONDS: Final = 1.5
"""The first connect timeout of one of several nodes."""

# Its own generator: connecting must not change the random numbers of a program that sets a seed.
_DICE: Final = random.SystemRandom()


class Nodes:
    """The nodes in the order in which to try them; shared by all threads of a process."""

    def __init__(self, urls: Sequence[str]) -> None:
        # A random order for each process, or all would use the first node.
        self._urls = tuple(_DICE.sample(urls, len(urls)))
        self._lock = threading.Lock()
        self._failed_at: dict[str, float] = {}
        self._last_good: str | None = None
        self._vain = 0  # failed attempts to connect since the last success

    @property
    def count(self) -> int:
        """The number of nodes."""
        return len(self._urls)

    def best(self) -> str:
        """Return the node to try: the last good one, else one that did not fail, else the first that failed.

        A caller that reports each failure and calls this again tries all nodes in turn.
        """
        with self._lock:
            since = time.monotonic() - _REMEMBERED_SECONDS
            return min(self._urls, key=lambda url: self._rank(url, since))

    def _rank(self, url: str, since: float) -> tuple[float, bool]:
        failed_at = self._failed_at.get(url, 0.0)
        return (failed_at if failed_at > since else 0.0, url != self._last_good)

    def serves(self, url: str) -> None:
        """Record a connection to a node. It does not prove that the node works, so it clears no failure."""
        with self._lock:
            is_new, self._last_good = url != self._last_good, url
            self._vain = 0
        if is_new:
            log.info("connected to a node of the broker", extra={"node": address_of(url)})

    def refuses(self, url: str) -> None:
        """Record a failed attempt to connect to a node."""
        with self._lock:
            self._vain += 1
        self.fails(url)

    def fails(self, url: str) -> None:
        """Record that a node failed or did not answer on an open connection."""
        with self._lock:
            is_new, self._failed_at[url] = url == self._last_good, time.monotonic()
            if is_new:
                self._last_good = None
        if is_new:
            log.warning("a node of the broker fails; others are tried", extra={"node": address_of(url)})

    def patience(self, seconds: float) -> float:
        """Return the connect timeout for a node, of `seconds` in all.

        It is short if there are other nodes, and doubles with each round in which all failed, as they may be
        slow and not dead. All nodes together take at most `seconds`, or the shortest timeout each.
        """
        if self.count == 1:
            return seconds
        grown: float = _SHORT_SECONDS * 2 ** min(self._vain // self.count, 10)
        return min(seconds, grown, max(_SHORT_SECONDS, seconds / self.count))


def nodes_of(broker_url: str) -> Nodes:
    """Return the process's state of the nodes in a URL; their order in the URL does not matter."""
    return _nodes(tuple(sorted(nodes_in(broker_url))))


_nodes = cache(Nodes)
