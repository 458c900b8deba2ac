"""Filling a batch from several lanes, so that no tenant waits for the end of another's lane.

`worker/broker/redis/scripts.py` does the same inside Redis.
"""

from collections import deque
from collections.abc import Hashable
from typing import Final

from worker.broker.deliveries import MAX_BATCH_BYTES, Delivery

FEW: Final = 4
"""A lane with at most this many messages is light: it need not wait for the others."""


class Lanes:
    """Unacknowledged messages by lane, a queue and a tenant in it, in order of arrival.

    The lanes are in the order of their turns.
    """

    def __init__(self) -> None:
        self._lanes: dict[Hashable, deque[Delivery]] = {}
        self._was_light = False
        self.bytes = 0

    def __bool__(self) -> bool:
        return bool(self._lanes)

    def add(self, lane: Hashable, delivery: Delivery) -> None:
        """Append a message to its lane."""
        self._lanes.setdefault(lane, deque()).append(delivery)
        self.bytes += delivery.size

    def clear(self) -> None:
        """Remove all messages."""
        self._lanes.clear()
        self.bytes = 0

    def take(self, limit: int) -> list[Delivery]:
        """Return the next batch: about `limit` requests and 4 MiB, with an equal part for each lane.

        Every second batch has only light lanes, if there are both light and others: lone orders are processed
        soon, whatever else waits. Each lane in turn gives its part, at least one message, then each gives its
        rest. A lane's first message may exceed the limit, its later ones may not.
        """
        batch = _Batch(limit)
        chosen = self._choose()
        part = max(limit // max(len(chosen), 1), 1)
        given = {name: batch.fill(self._lanes[name], most=part) for name in chosen}
        for name in chosen:
            batch.fill(self._lanes[name], most=limit, given=given[name])
        if not self._was_light:
            self._go_on([name for name in chosen if given[name]])
        self._lanes = {name: lane for name, lane in self._lanes.items() if lane}
        self.bytes -= batch.bytes
        return batch.taken

    def _choose(self) -> list[Hashable]:
        """Return the lanes whose turn it is, in the order of their turns."""
        light = [name for name, lane in self._lanes.items() if len(lane) <= FEW]
        self._was_light = not self._was_light and 0 < len(light) < len(self._lanes)
        return light if self._was_light else list(self._lanes)

    def _go_on(self, served: list[Hashable]) -> None:
        """Move the served lanes to the end; if all were served, only the first: each is first once."""
        for name in served[:1] if len(served) == len(self._lanes) else served:
            self._lanes[name] = self._lanes.pop(name)


class _Batch:
    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._requests = 0
        self.bytes = 0
        self.taken: list[Delivery] = []

    def fill(self, lane: deque[Delivery], *, most: int, given: int = 0) -> int:
        """Take messages of a lane until it has given `most` requests; return how many it has given."""
        while lane and given < most and self._requests < self._limit and self.bytes < MAX_BATCH_BYTES:
            delivery = lane[0]
            if given and not self._has_room(delivery):
                break
            self.taken.append(lane.popleft())
            given += delivery.requests
            self._requests += delivery.requests
            self.bytes += delivery.size
        return given

    def _has_room(self, delivery: Delivery) -> bool:
        return (
            self._requests + delivery.requests <= self._limit
            and self.bytes + delivery.size <= MAX_BATCH_BYTES
        )
