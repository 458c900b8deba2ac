"""Returning the messages of dead workers on Redis or Valkey.

kombu's own sweep returns ten messages at a time; a killed worker of ours holds hundreds, which this sweep
returns at once. Both take kombu's lock: its sweep lists messages and returns them without checking again, and
would also return those that we have given to a live worker meanwhile.
"""

import time
from collections.abc import Mapping, Sequence
from typing import Any, Final

import orjson
import redis
from kombu.transport.redis import Mutex, MutexHeld

from willcall.queues import ORDERS, SHARE
from worker.broker.redis.scripts import JOIN

SWEEP_SECONDS: Final = 5.0
_WHILE_LOCKED_SECONDS: Final = 0.5
_AT_ONCE: Final = 500

# KEYS: kombu's hash and sorted set of unacknowledged messages, then the lists to return messages to. ARGV:
# the latest time of an overdue message, then for each message its tag, itself and the number of its list,
# newest first. The time is checked again: meanwhile the worker may have acknowledged or kept the message.
_RESTORE: Final = """
local restored = 0
for i = 2, #ARGV, 3 do
    local taken_at = redis.call('ZSCORE', KEYS[2], ARGV[i])
    if taken_at and tonumber(taken_at) <= tonumber(ARGV[1]) and redis.call('HDEL', KEYS[1], ARGV[i]) == 1 then
        redis.call('ZREM', KEYS[2], ARGV[i])
        redis.call('RPUSH', KEYS[2 + ARGV[i + 2]], ARGV[i + 1])
        restored = restored + 1
    end
end
return restored
"""


class Sweep:
    """Returns messages of `orders` and its shares that no worker has kept within the visibility timeout."""

    def __init__(
        self,
        client: "redis.Redis",
        unacked: Sequence[str],
        key_prefix: str,
        with_priorities: Mapping[str, Sequence[str]],
        visibility_seconds: float,
        *,
        mutex_key: str,
        mutex_seconds: float,
    ) -> None:
        self._client = client
        self._unacked, self._index = unacked
        self._key_prefix = key_prefix
        self._visibility_seconds = visibility_seconds
        self._mutex_key, self._mutex_seconds = mutex_key, mutex_seconds
        self._with_priorities = with_priorities
        self._restore = client.register_script(_RESTORE)
        self._join = client.register_script(JOIN)
        self._next_at = 0.0

    def run_when_due(self) -> None:
        """Return overdue messages, every few seconds. Raises the client's errors."""
        if time.monotonic() < self._next_at:
            return
        try:
            with Mutex(self._client, self._mutex_key, self._mutex_seconds):
                self._run()
                self._join_priorities()
        except MutexHeld:
            self._next_at = time.monotonic() + _WHILE_LOCKED_SECONDS
        else:
            self._next_at = time.monotonic() + SWEEP_SECONDS

    def _run(self) -> None:
        # By the broker's clock, by which messages are taken (`RESERVE` in worker/broker/redis/scripts.py).
        seconds, microseconds = self._client.time()
        latest = seconds + microseconds * 1e-6 - self._visibility_seconds
        # The newest first: messages that are returned later are read earlier.
        offset = 0
        while tags := self._overdue(latest, offset):
            restored = self._give_back(tags, latest)
            # Skip those that stay: messages of other queues, or of another worker by now.
            offset += len(tags) - restored
            if len(tags) < _AT_ONCE:
                return

    def _join_priorities(self) -> None:
        """Move messages that were sent to a share with a priority into the share's list, which is read."""
        with self._client.pipeline(transaction=False) as pipeline:
            for share, lists in self._with_priorities.items():
                self._join(keys=[share, *lists], client=pipeline)
            pipeline.execute()

    def _overdue(self, latest: float, offset: int) -> list[bytes]:
        """Return a page of tags, newest first."""
        found: Any = self._client.zrevrangebyscore(self._index, latest, "-inf", start=offset, num=_AT_ONCE)
        return list(found)

    def _give_back(self, tags: Sequence[bytes], latest: float) -> int:
        held: Any = self._client.hmget(self._unacked, list(tags))
        arguments: list[bytes | int] = []
        lists: dict[str, int] = {}  # by their place in the script's keys
        for tag, entry in zip(tags, held, strict=True):
            queue, message = (None, b"") if entry is None else _redelivered(entry)
            if queue is not None:
                arguments += (tag, message, lists.setdefault(self._key_prefix + queue, len(lists) + 1))
        if not arguments:
            return 0
        keys = (self._unacked, self._index, *lists)
        return int(self._restore(keys=keys, args=[latest, *arguments]))


def _redelivered(entry: bytes) -> tuple[str | None, bytes]:
    """Return its queue, None if it is not ours, and the message with kombu's marks of a redelivery."""
    try:
        message, _, routing_key = orjson.loads(entry)
        if routing_key != ORDERS and not routing_key.startswith(SHARE):
            return None, b""
        message["headers"]["redelivered"] = True
        message["properties"]["delivery_info"]["redelivered"] = True
        return routing_key, orjson.dumps(message)
    except (ValueError, TypeError, KeyError, AttributeError):
        return None, b""  # left to kombu's sweep
