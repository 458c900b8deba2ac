"""Giving back what dead workers hold on Redis or Valkey.

kombu's own sweep takes ten messages at a time, under a lock that outlives a worker that is killed in the
middle of it by five minutes. A killed worker of ours holds hundreds: here they all come back at once, and
without a lock, as each message is claimed by the removal of its tag.
"""

import time
from collections.abc import Sequence
from typing import Any, Final

import orjson
import redis

from worker.queues import ORDERS

SWEEP_SECONDS: Final = 5.0
_AT_ONCE: Final = 500

# KEYS: the queue, kombu's hash and sorted set of unacknowledged messages. ARGV: the latest time of those
# that nobody works on, then tag and message of each, newest first. Looked at again here: meanwhile another
# may have given it back, or its worker may have said that it lives.
_RESTORE: Final = """
local restored = 0
for i = 2, #ARGV, 2 do
    local taken_at = redis.call('ZSCORE', KEYS[3], ARGV[i])
    if taken_at and tonumber(taken_at) <= tonumber(ARGV[1]) and redis.call('HDEL', KEYS[2], ARGV[i]) == 1 then
        redis.call('ZREM', KEYS[3], ARGV[i])
        redis.call('RPUSH', KEYS[1], ARGV[i + 1])
        restored = restored + 1
    end
end
return restored
"""


class Sweep:
    """Gives the messages of the queue `orders` that nobody has kept for so long to the next who asks."""

    def __init__(self, client: "redis.Redis", keys: Sequence[str], visibility_seconds: float) -> None:
        self._client = client
        self._queue, self._unacked, self._index = keys
        self._visibility_seconds = visibility_seconds
        self._restore = client.register_script(_RESTORE)
        self._next_at = 0.0

    def run_when_due(self) -> None:
        """Give back what is overdue, every few seconds. Raises the client's errors."""
        if time.monotonic() < self._next_at:
            return
        self._next_at = time.monotonic() + SWEEP_SECONDS
        latest = time.time() - self._visibility_seconds
        offset = 0
        while tags := self._overdue(latest, offset):
            restored = self._give_back(tags, latest)
            # What stays (other queues' messages, or another's now) must not be read for ever.
            offset += len(tags) - restored
            if len(tags) < _AT_ONCE:
                return

    def _overdue(self, latest: float, offset: int) -> list[bytes]:
        found: Any = self._client.zrangebyscore(self._index, "-inf", latest, start=offset, num=_AT_ONCE)
        return list(found)

    def _give_back(self, tags: Sequence[bytes], latest: float) -> int:
        held: Any = self._client.hmget(self._unacked, list(tags))
        arguments: list[bytes] = []
        for tag, entry in reversed(list(zip(tags, held, strict=True))):
            message = None if entry is None else _redelivered(entry)
            if message is not None:
                arguments += (tag, message)
        if not arguments:
            return 0
        keys = (self._queue, self._unacked, self._index)
        return int(self._restore(keys=keys, args=[latest, *arguments]))


def _redelivered(entry: bytes) -> bytes | None:
    """Return the message marked as delivered before, as kombu does it; None if it is another queue's."""
    try:
        message, _, routing_key = orjson.loads(entry)
        if routing_key != ORDERS:
            return None
        message["headers"]["redelivered"] = True
        message["properties"]["delivery_info"]["redelivered"] = True
        return orjson.dumps(message)
    except (ValueError, TypeError, KeyError):
        return None  # kombu's sweep says what it thinks of it
