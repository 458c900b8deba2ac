"""The number of requests of each tenant and key in the queues, of those that this process has published.

The broker reports only how many messages a queue holds. Messages are taken from a queue in order, so at most
the newest ones that this process has published still wait: as many as the queue holds. The count is
therefore never too low, and too high if others publish to the same queue.
"""

import math
from collections import Counter, defaultdict, deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Final, NamedTuple

_MESSAGES_TOGETHER: Final = 100
"""Messages that are dropped together: fewer would be more exact, and take more memory."""

_MOST_BUNDLES: Final = 20_000
"""Per queue; older ones are dropped. Reached after 2,000,000 messages, or if the broker reports no depth."""


class Sender(NamedTuple):
    """The sender of a request: a tenant's name, and a key's id."""

    tenant: str
    key: str


@dataclass(slots=True)
class _Bundle:
    """Messages published in succession."""

    messages: int = 0
    requests: Counter[Sender] = field(default_factory=Counter)


@dataclass(slots=True)
class _Line:
    """Messages published to one queue that may still wait there, oldest first."""

    bundles: deque[_Bundle] = field(default_factory=deque)
    forgotten: int = 0
    """The number of dropped bundles."""
    closed: int = 0
    """The number of closed bundles, including dropped ones."""
    messages: int = 0
    requests: int = 0
    depth: int = 0
    """Messages in the queue at the last reading, from all publishers."""

    def open_bundle(self) -> _Bundle:
        """Return the bundle for the next message."""
        is_closed = self.forgotten + len(self.bundles) == self.closed
        if is_closed or self.bundles[-1].messages == _MESSAGES_TOGETHER:
            self.bundles.append(_Bundle())
        return self.bundles[-1]


class Queued:
    """Counts the requests of each tenant and key that may wait in the queues; for one event loop."""

    def __init__(self, *, most_bundles: int = _MOST_BUNDLES) -> None:
        self._most_bundles = most_bundles
        self._lines: defaultdict[str, _Line] = defaultdict(_Line)
        self._by_tenant: Counter[str] = Counter()
        self._by_key: Counter[str] = Counter()
        self._under_way: Counter[Sender] = Counter()
        self._under_way_in_all = 0
        self._in_lines: int | None = None
        """Requests in all lines; None if they have changed since they were counted."""
        self._messages_ever = 0
        self._requests_ever = 0

    def of_tenant(self, tenant: str) -> int:
        """Return how many requests of the tenant may wait, including those on their way to the broker."""
        return self._by_tenant[tenant]

    def of_key(self, key: str) -> int:
        """Return the same for a key, by its id."""
        return self._by_key[key]

    def in_all(self) -> int:
        """Return about how many requests wait in all queues, from all publishers.

        Messages of other publishers count as this process's do on average.
        """
        if self._in_lines is None:
            average = self._requests_ever / self._messages_ever if self._messages_ever else 1
            lines = self._lines.values()
            of_others = sum(max(0, line.depth - line.messages) for line in lines)
            self._in_lines = sum(line.requests for line in lines) + math.ceil(of_others * average)
        return self._in_lines + self._under_way_in_all

    def begin(self, sender: Sender, requests: int) -> None:
        """Count requests on their way to the broker; `add` or `give_up` follows."""
        self._count(sender, requests)
        self._under_way[sender] += requests
        self._under_way_in_all += requests

    def give_up(self, sender: Sender, requests: int) -> None:
        """Stop counting requests that were given up. If they arrive after all, `add` counts them."""
        ended = min(requests, self._under_way[sender])
        self._count(sender, -ended)
        self._under_way[sender] -= ended
        self._under_way_in_all -= ended
        if not self._under_way[sender]:
            del self._under_way[sender]

    def add(self, queue: str, senders: Mapping[Sender, int]) -> None:
        """Count a confirmed message: its number of requests, by sender."""
        self._in_lines = None
        line = self._lines[queue]
        bundle = line.open_bundle()
        bundle.messages += 1
        line.messages += 1
        self._messages_ever += 1
        for sender, requests in senders.items():
            bundle.requests[sender] += requests
            line.requests += requests
            self._requests_ever += requests
            self._count(sender, requests)
            self.give_up(sender, requests)
        if len(line.bundles) > self._most_bundles:
            self._forget_oldest(line)

    def look(self) -> None:
        """Mark the start of a reading: messages published later may not be in it."""
        for line in self._lines.values():
            line.closed = line.forgotten + len(line.bundles)

    def trim(self, depths: Mapping[str, int]) -> None:
        """Drop messages that no longer wait: `depths` are the messages in each queue, read after `look`."""
        self._in_lines = None
        for name, depth in depths.items():
            line = self._lines[name]
            line.depth = depth
            seen = max(0, line.closed - line.forgotten)
            messages = sum(bundle.messages for bundle in islice(line.bundles, seen))
            while line.forgotten < line.closed and messages - line.bundles[0].messages >= depth:
                messages -= line.bundles[0].messages
                self._forget_oldest(line)

    def _forget_oldest(self, line: _Line) -> None:
        bundle = line.bundles.popleft()
        line.forgotten += 1
        line.messages -= bundle.messages
        line.requests -= bundle.requests.total()
        for sender, requests in bundle.requests.items():
            self._count(sender, -requests)

    def _count(self, sender: Sender, requests: int) -> None:
        # Senders without requests are removed: keys come and go.
        for counter, name in ((self._by_tenant, sender.tenant), (self._by_key, sender.key)):
            counter[name] += requests
            if not counter[name]:
                del counter[name]
