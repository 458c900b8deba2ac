"""The oldest message of each queue on Redis or Valkey, read where it is."""

import time
from collections.abc import Sequence
from typing import Final

import redis
from kombu import Connection

from willcall.messages import SENT_AT
from worker.broker.ages import seconds_of

_AT_ONCE: Final = 32
"""Queues in one call: each may have a message of 256 KB, and the server does nothing else meanwhile."""

# KEYS: lists of messages. Returns of each the digits in the header of its oldest message, an empty text if it
# has none, and a digest that tells this message from others; false for an empty list.
_LOOK: Final = f"""
local found = {{}}
for index, key in ipairs(KEYS) do
    local message = redis.call('LINDEX', key, -1)
    if message then
        local start = message:find('"{SENT_AT}":', 1, true)
        local sent_at = start and message:match('^"{SENT_AT}":%s*(%d+)', start)
        found[index] = {{sent_at and sent_at:sub(1, 20) or '', redis.sha1hex(message:sub(-512))}}
    else
        found[index] = false
    end
end
return found
"""


class OldestMessages:
    """Reads when the oldest message of each queue was sent.

    Messages of producers that do not say so count from the first time that they were seen as the oldest.
    """

    def __init__(self) -> None:
        self._seen: dict[str, tuple[bytes, float]] = {}

    def read(self, connection: Connection, queues: Sequence[str]) -> dict[str, float]:
        """Return the times (Unix seconds) by queue; empty queues are left out. Raises the client's errors."""
        channel = connection.default_channel
        client = redis.Redis(connection_pool=channel.pool)
        look = client.register_script(_LOOK)
        found: list[list[bytes] | None] = []
        for start in range(0, len(queues), _AT_ONCE):
            keys = [channel.global_keyprefix + queue for queue in queues[start : start + _AT_ONCE]]
            found += look(keys=keys, args=[])
        now = time.time()
        seen, self._seen = self._seen, {}
        oldest = {}
        for queue, message in zip(queues, found, strict=True):
            if message is None:
                continue
            digits, digest = message
            sent_at = seconds_of(int(digits or 0))
            if sent_at is not None:
                oldest[queue] = sent_at
                continue
            before, first_at = seen.get(queue, (b"", now))
            self._seen[queue] = (digest, first_at if before == digest else now)
            oldest[queue] = self._seen[queue][1]
        return oldest
