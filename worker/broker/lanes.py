"""Filling a batch from several lanes, so that nobody waits for the end of another's.

`worker/broker/redis/scripts.py` does the same inside Redis.
"""

from collections import deque
from collections.abc import Hashable
from typing import Final

from worker.broker.deliveries import MAX_BATCH_BYTES, Delivery

FEW: Final = 4
"""Messages of a lane that need not wait for the others."""


class Lanes:
    """Messages in hand, in the order in which they came, by lane: a queue, and a tenant in it.

    The lanes are in the order of their turns.
    """

    def __init__(self) -> None:
        self._lanes: dict[Hashable, deque[Delivery]] = {}
        self._was_light = False
        self.bytes = 0

    def __bool__(self) -> bool:
        return bool(self._lanes)

    def add(self, lane: Hashable, delivery: Delivery) -> None:
        """Put a message at the end of its lane."""
        self._lanes.setdefault(lane, deque()).append(delivery)
        self.bytes += delivery.size

    def clear(self) -> None:
        """Forget all."""
        self._lanes.clear()
        self.bytes = 0

    def take(self, limit: int) -> list[Delivery]:
        """Return the next batch: about `limit` requests and 4 MiB; each lane has its part of it.

        Every second time it is of the lanes with few messages alone, where there are others as well: lone
        orders are done soon, whatever else there is to do. Each lane in turn gives its part, one message at
        least, then each what is left. A lane's first message may make the batch larger than was asked for,
        its later ones may not.
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
        """Move those that had a turn to the end; if all had one, the first alone: each is once the first."""
        for name in served[:1] if len(served) == len(self._lanes) else served:
            self._lanes[name] = self._lanes.pop(name)


class _Batch:
    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._requests = 0
        self.bytes = 0
        self.taken: list[Delivery] = []

    def fill(self, lane: deque[Delivery], *, most: int, given: int = 0) -> int:
        """Take messages of a lane until it has given so many requests; return how many it has given."""
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
