"""Taking messages in bulk from Redis or Valkey: reserved atomically, in kombu's own format.

kombu pops a message and records it as unacknowledged in two steps; a worker killed between them loses
it. Here one script does both for many messages. What it writes is what kombu's own channel writes (a
hash of the messages, a sorted set of the times), so that a stock worker too gives the messages of a dead
one to another; ours do it faster (`worker/redis_sweep.py`).
"""

import time
from base64 import b64decode
from collections.abc import Sequence
from typing import Any, Final

import orjson
import redis
from kombu import Connection

from worker.deliveries import MAX_BATCH_BYTES, Delivery, SourceLost, count_requests
from worker.queues import ORDERS, queues, transport_options
from worker.redis_sweep import Sweep
from worker.settings import Settings

# KEYS: the queue, kombu's hash and sorted set of unacknowledged messages, our counts of redeliveries.
# ARGV: requests at most, bytes at most, the time. A message that is not kombu's (no JSON, no tag) is
# wrapped into one that is, so that no sweep stumbles over it and it can become a dead letter.
_RESERVE: Final = """
local taken, requests, bytes = {}, 0, 0
while requests < tonumber(ARGV[1]) and bytes < tonumber(ARGV[2]) do
    local message = redis.call('RPOP', KEYS[1])
    if not message then break end
    local ok, decoded = pcall(cjson.decode, message)
    local tag, carried, exchange, routing_key
    if ok then
        ok = pcall(function()
            tag = decoded.properties.delivery_tag
            exchange = decoded.properties.delivery_info.exchange
            routing_key = decoded.properties.delivery_info.routing_key
            carried = tonumber(decoded.headers.willcall_requests) or 1
            assert(type(tag) == 'string' and type(exchange) == 'string' and type(routing_key) == 'string')
        end)
    end
    if not ok then
        tag = 'foreign-' .. redis.sha1hex(message .. ARGV[3] .. requests)
        exchange, routing_key, carried = ARGV[4], ARGV[4], 1
        message = cjson.encode({
            body = message:gsub('.', function(c) return string.format('%02x', c:byte()) end),
            headers = {foreign = true}, ['content-type'] = 'application/octet-stream',
            ['content-encoding'] = 'binary',
            properties = {delivery_tag = tag, delivery_mode = 2, body_encoding = 'hex',
                delivery_info = {exchange = exchange, routing_key = routing_key}}})
        decoded = cjson.decode(message)
    end
    if #taken > 0 and requests + carried > tonumber(ARGV[1]) then
        redis.call('RPUSH', KEYS[1], message)
        break
    end
    redis.call('HSET', KEYS[2], tag,
        '[' .. message .. ',' .. cjson.encode(exchange) .. ',' .. cjson.encode(routing_key) .. ']')
    redis.call('ZADD', KEYS[3], ARGV[3], tag)
    local count = 1
    if decoded.headers.redelivered then count = 1 + redis.call('HINCRBY', KEYS[4], tag, 1) end
    requests = requests + carried
    bytes = bytes + #message
    taken[#taken + 1] = {message, count, tag}
end
return taken
"""

# KEYS as above; ARGV: tag and message of each, newest first. They go back to the end that is read next.
_GIVE_BACK: Final = """
for i = 1, #ARGV, 2 do
    if redis.call('HDEL', KEYS[2], ARGV[i]) == 1 then
        redis.call('ZREM', KEYS[3], ARGV[i])
        redis.call('RPUSH', KEYS[1], ARGV[i + 1])
    end
end
"""


class RedisSource:
    """The queue `orders` of a Redis or Valkey."""

    def __init__(self, broker_url: str, settings: Settings) -> None:
        # kombu's connection knows how to connect (password, TLS, socket) and how the keys are named.
        self._broker = Connection(broker_url, transport_options=transport_options(settings, broker_url))
        self._ahead: list[Delivery] = []
        self._held: dict[bytes, bytes] = {}
        try:
            channel = self._broker.default_channel
            for queue in queues(broker_url):
                queue(channel).declare()
        except (redis.RedisError, OSError) as error:
            self._broker.release()
            raise SourceLost(str(error)) from error
        prefix = channel.global_keyprefix
        self._client = redis.Redis(connection_pool=channel.pool)
        self._queue = prefix + ORDERS
        self._keys = (
            self._queue,
            prefix + channel.unacked_key,
            prefix + channel.unacked_index_key,
            prefix + "willcall.redelivered",
        )
        self._reserve = self._client.register_script(_RESERVE)
        self._give_back = self._client.register_script(_GIVE_BACK)
        self._sweep = Sweep(
            self._client,
            self._keys[:3],
            settings.visibility_timeout_seconds,
            mutex_key=prefix + channel.unacked_mutex_key,
            mutex_seconds=channel.unacked_mutex_expire,
        )

    def take(self, limit: int, timeout_seconds: float) -> list[Delivery]:
        try:
            self._sweep.run_when_due()
            if self._ahead:
                taken, self._ahead = self._ahead, []
                return taken
            taken = self._take_now(limit)
            if taken:
                return taken
            # Moves the oldest message from the end of the queue to its end: nothing changes, but the
            # call sleeps until there is one.
            if (
                self._client.blmove(
                    self._queue, self._queue, max(1, round(timeout_seconds)), "RIGHT", "RIGHT"
                )
                is None
            ):
                return []
            return self._take_now(limit)
        except (redis.RedisError, OSError) as error:
            raise SourceLost(str(error)) from error

    def _take_now(self, limit: int) -> list[Delivery]:
        reserved = self._reserve(keys=self._keys, args=[limit, MAX_BATCH_BYTES, time.time(), ORDERS])
        taken = []
        for message, count, tag in reserved:
            self._held[tag] = message
            taken.append(_delivery(message, int(count), tag))
        return taken

    def read_ahead(self, limit: int) -> None:
        try:
            if not self._ahead:
                self._ahead = self._take_now(limit)
        except (redis.RedisError, OSError) as error:
            raise SourceLost(str(error)) from error

    def acknowledge(self, deliveries: Sequence[Delivery]) -> None:
        tags = [delivery.tag for delivery in deliveries]
        try:
            with self._client.pipeline(transaction=True) as pipeline:
                pipeline.hdel(self._keys[1], *tags)
                pipeline.zrem(self._keys[2], *tags)
                again = [delivery.tag for delivery in deliveries if delivery.count > 1]
                if again:
                    pipeline.hdel(self._keys[3], *again)
                pipeline.execute()
        except (redis.RedisError, OSError) as error:
            raise SourceLost(str(error)) from error
        for tag in tags:
            self._held.pop(tag, None)

    def keep(self, deliveries: Sequence[Delivery]) -> None:
        now = time.time()
        held = dict.fromkeys(self._held, now)
        try:
            if held:
                # Only what is still ours: a sweep may have given it to another meanwhile.
                self._client.zadd(self._keys[2], held, xx=True)
        except (redis.RedisError, OSError) as error:
            raise SourceLost(str(error)) from error

    def close(self) -> None:
        newest_first = [part for item in reversed(self._held.items()) for part in item]
        self._held.clear()
        self._ahead.clear()
        try:
            if newest_first:
                self._give_back(keys=self._keys, args=newest_first)
        except (redis.RedisError, OSError):
            pass  # the sweep returns them after the visibility timeout
        finally:
            self._broker.release()


def _delivery(message: bytes, count: int, tag: bytes) -> Delivery:
    try:
        return _read(message, count, tag)
    except (ValueError, TypeError, AttributeError, KeyError) as error:
        # Valkey's reader of JSON takes more for JSON than ours, and nobody says what headers are.
        reason = f"it is not a message as kombu writes it: {error}"
        return Delivery(tag, "", "", message, requests=1, count=count, dead_reason=reason)


def _read(message: bytes, count: int, tag: bytes) -> Delivery:
    payload: dict[str, Any] = orjson.loads(message)
    headers = payload.get("headers") or {}
    return Delivery(
        tag=tag,
        task=str(headers.get("task", "")),
        message_id=str(headers.get("id", "")),
        body=_body(payload),
        requests=count_requests(headers.get("willcall_requests")),
        count=count,
    )


def _body(payload: dict[str, Any]) -> bytes:
    body = str(payload.get("body", ""))
    try:
        match payload["properties"].get("body_encoding"):
            case "base64":
                return b64decode(body)
            case "hex":
                return bytes.fromhex(body)
    except ValueError:
        pass  # it becomes a dead letter as it is
    return body.encode("utf-8", "backslashreplace")
