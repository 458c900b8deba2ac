"""Taking messages in bulk from Redis or Valkey: reserved atomically, in kombu's own format.

kombu pops a message and records it as unacknowledged in two steps; a worker that is killed between them
loses it. Here one script does both for many messages. It writes what kombu's own channel writes (a hash of
the messages, a sorted set of the times), so that a stock worker, too, returns the messages of a dead one;
ours do it faster (`worker/broker/redis/sweep.py`).

Each share of the orders has a list, and kombu uses one for each priority. All of them are read, in turn: see
`worker/broker/redis/scripts.py`.
"""

import logging
import socket
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any, Final

import redis

from willcall.connections import open_connection
from willcall.queues import ORDERS, SHARE, order_queues, queues
from willcall.redis_waits import AWAKE, Waits, wake_workers
from worker.broker.ages import oldest_by_queue, sent_at_of_json
from worker.broker.deliveries import MAX_BATCH_BYTES, Delivery, SourceLost
from worker.broker.faults import explain, is_out_of_memory
from worker.broker.lanes import FEW
from worker.broker.redis.messages import read_message
from worker.broker.redis.scripts import GIVE_BACK, KEEP, RESERVE
from worker.broker.redis.sweep import Sweep
from worker.runtime.settings import Settings

log = logging.getLogger(__name__)

_ANSWER_SECONDS: Final = 4.0
"""How long an answer of the broker may take, in addition to the wait for a message."""

_ERRORS: Final = (redis.RedisError, OSError)

_PRIORITIES: Final = range(1, 10)
"""The priorities that kombu may have lists for, with any `priority_steps` of a client."""


class RedisSource:
    """The orders on Redis or Valkey: the queue `orders` and its shares."""

    def __init__(self, broker_url: str, settings: Settings) -> None:
        # kombu's connection handles passwords, TLS and sockets, and the prefix of the keys.
        try:
            self._broker = open_connection(broker_url, settings, seconds=_ANSWER_SECONDS)
        except _ERRORS as error:
            raise SourceLost(explain(error)) from error
        self._ahead: list[Delivery] = []
        self._was_light = False  # whether the last batch was of light lanes only
        self._was_small = False  # whether the last batch had room for all that waited
        self._held: dict[bytes, tuple[bytes, bytes]] = {}  # messages and the lists they came from, by tag
        self._turn = 0  # the place of the lane whose turn was last
        self._latest = b"0"  # the latest time that was written to the sorted set, by the broker's clock
        try:
            channel = self._broker.default_channel
            for queue in queues(broker_url):
                with _despite_full_memory():  # only publishers need these bindings
                    queue(channel).declare()
        except _ERRORS as error:
            self._broker.release()
            raise SourceLost(explain(error)) from error
        self._prefix = prefix = channel.global_keyprefix
        self._client = redis.Redis(connection_pool=channel.pool)
        queue = prefix + ORDERS
        self._lists = [queue, *(f"{queue}{channel.sep}{priority}" for priority in _PRIORITIES)]
        self._shares = [prefix + SHARE, SHARE, len(order_queues(broker_url)) - 1]
        self._unacked = [prefix + channel.unacked_key, prefix + channel.unacked_index_key]
        self._redelivered = prefix + "willcall.redelivered"
        self._awake = prefix + AWAKE
        self._reserve = self._client.register_script(RESERVE)
        self._keep = self._client.register_script(KEEP)
        self._give_back = self._client.register_script(GIVE_BACK)
        self._waits = Waits(self._client, prefix, answer_seconds=_ANSWER_SECONDS)
        shares = [prefix + name for name in order_queues(broker_url)[1:]]
        self._sweep = Sweep(
            self._client,
            self._unacked,
            prefix,
            {share: [f"{share}{channel.sep}{priority}" for priority in _PRIORITIES] for share in shares},
            settings.visibility_timeout_seconds,
            mutex_key=prefix + channel.unacked_mutex_key,
            mutex_seconds=channel.unacked_mutex_expire,
        )

    def take(self, limit: int, timeout_seconds: float) -> list[Delivery]:
        with _or_lost():
            with _despite_full_memory():
                self._sweep.run_when_due()
            if self._ahead:
                return self._take_few_first(limit) or self._take_ahead()
            deadline = time.monotonic() + timeout_seconds
            has_waited = False
            while not (taken := self._take_now(limit, "few first")):
                left = deadline - time.monotonic()
                if left <= 0:
                    break
                self._waits.wait(left)
                has_waited = True
            if has_waited and taken and not self._was_small:
                with _despite_full_memory():
                    wake_workers(self._client, self._prefix)  # there may be more than one batch
            return taken

    def _take_few_first(self, limit: int) -> list[Delivery]:
        """Return lone orders that came meanwhile: they need not wait for the batch that was read ahead."""
        if self._was_light:
            return []
        lists = {key for delivery in self._ahead for _, key in [self._held[delivery.tag]]}
        return self._take_now(limit, "few", leave=lists)

    def _take_ahead(self) -> list[Delivery]:
        taken, self._ahead = self._ahead, []
        self._was_light = False
        return taken

    def _take_now(self, limit: int, which: str, *, leave: Iterable[bytes] = ()) -> list[Delivery]:
        which = "all" if self._was_light and which == "few first" else which
        keys = [*self._unacked, self._redelivered, self._awake, *self._lists]
        bounds = [limit, MAX_BATCH_BYTES, self._latest, ORDERS]
        arguments = [*bounds, *self._shares, self._turn, FEW, which, *leave]
        is_light, turn, self._latest, reserved = self._reserve(keys=keys, args=arguments)
        if not is_light:
            self._turn = turn
        self._was_light = bool(is_light and reserved)
        taken = []
        for message, count, tag, key in reserved:
            self._held[tag] = message, key
            taken.append(read_message(message, int(count), tag))
        requests, bytes_ = sum(one.requests for one in taken), sum(len(one.body) for one in taken)
        self._was_small = not is_light and requests < limit / 2 and bytes_ < MAX_BATCH_BYTES / 2
        return taken

    def read_ahead(self, limit: int) -> None:
        with _or_lost():
            if not self._ahead and not self._was_small:
                was_light = self._was_light
                self._ahead = self._take_now(limit, "all")
                self._was_light = was_light

    def acknowledge(self, deliveries: Sequence[Delivery]) -> None:
        tags = [delivery.tag for delivery in deliveries]
        hash_, index = self._unacked
        with _or_lost(), self._client.pipeline(transaction=True) as pipeline:
            pipeline.hdel(hash_, *tags)
            pipeline.zrem(index, *tags)
            again = [delivery.tag for delivery in deliveries if delivery.count > 1]
            if again:
                pipeline.hdel(self._redelivered, *again)
            pipeline.execute()
        for tag in tags:
            self._held.pop(tag, None)

    def keep(self, deliveries: Sequence[Delivery]) -> None:
        if self._held:
            with _or_lost(), _despite_full_memory():
                self._latest = self._keep(keys=[self._unacked[1]], args=list(self._held))

    def oldest(self) -> dict[str, float]:
        held = list(self._held.values())  # in one step, as another thread calls it
        start = len(self._prefix)
        return oldest_by_queue((key[start:].decode(), sent_at_of_json(message)) for message, key in held)

    def abort(self) -> None:
        for connection in list(self._client.connection_pool._in_use_connections):
            with suppress(OSError, AttributeError):
                connection._sock.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        lists = list({key for _, key in self._held.values()})
        newest_first: list[Any] = []
        for tag, (message, key) in reversed(self._held.items()):
            newest_first += (tag, message, 1 + lists.index(key))
        self._held.clear()
        self._ahead.clear()
        try:
            if newest_first:
                self._give_back(keys=[*self._unacked, *lists], args=newest_first)
        except _ERRORS:
            pass  # a sweep returns them after the visibility timeout
        finally:
            self._waits.close()
            self._broker.release()


@contextmanager
def _or_lost() -> Iterator[None]:
    try:
        yield
    except _ERRORS as error:
        raise SourceLost(explain(error)) from error


@contextmanager
def _despite_full_memory() -> Iterator[None]:
    """Continue when a full broker refuses a write that can wait: taking messages frees its memory."""
    try:
        yield
    except redis.RedisError as error:
        if not is_out_of_memory(error):
            raise
        log.warning("the broker refused a write", extra={"error": explain(error)})
