"""Is anything still under way? A system is at rest when its broker and its tables hold no more work."""

import re
import time
from collections.abc import Callable, Sequence
from typing import Final

import psycopg

from tests.faults.buying.producers import Producer
from tests.faults.checking.ledger import Ledger
from tests.faults.system.stage import Stage
from tests.faults.system.valkey import Valkey
from tests.processes import PATIENCE_SECONDS
from tests.system.failover.cluster import Cluster
from willcall.queues import order_queues

_STILL_SECONDS: Final = 8.0
"""How long a producer may wait for one answer while nothing happens: longer than any call waits."""

_OF_ORDERS: Final = re.compile(rb'"routing_key":\s*"orders')

_WORK: Final = "SELECT (SELECT count(*) FROM outbox) + (SELECT count(*) FROM delayed_requests)"


def is_at_rest(stage: Stage) -> bool:
    """Say whether no order waits on the broker or is held by a worker, and no row waits for its turn."""
    try:
        return not _orders_on_broker(stage) and stage.primary.ask(_WORK, "willcall") == [(0,)]
    except psycopg.OperationalError:
        return False


def _orders_on_broker(stage: Stage) -> int:
    queues = order_queues(stage.broker_url)
    if isinstance(stage.broker, Valkey):
        with stage.broker.client() as client, client.pipeline(transaction=True) as pipeline:
            for queue in queues:
                pipeline.llen(queue)
            pipeline.hvals("unacked")
            *waiting, held = pipeline.execute()
        return int(sum(waiting)) + sum(bool(_OF_ORDERS.search(message)) for message in held)
    node = stage.broker.nodes[0] if isinstance(stage.broker, Cluster) else stage.broker
    listed = node.ctl("--silent", "list_queues", "name", "messages").splitlines()
    counts = dict(line.split() for line in listed)
    return sum(int(counts.get(queue, 0)) for queue in (*queues, "orders.dead"))


def wait_for_producers(stage: Stage, producers: Sequence[Producer], ledger: Ledger) -> None:
    """Have the producers end; return when they have, or when nothing happens any more and they still wait."""
    market = producers[0].market
    market.is_over.set()
    still = _Still(lambda: _activity(ledger))
    deadline = time.monotonic() + PATIENCE_SECONDS
    while any(one.is_alive() for one in producers) and time.monotonic() < deadline:
        if still.seconds() > _STILL_SECONDS and is_at_rest(stage):
            market.has_given_up.set()
            return
        time.sleep(0.1)


def wait_for_rest(stage: Stage, has_all: Callable[[], bool], heard: Callable[[], int]) -> None:
    """Return when the system is at rest and its consumer has all events, or hears no more of them."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not is_at_rest(stage) and time.monotonic() < deadline:
        time.sleep(0.1)
    still = _Still(heard)
    while not has_all() and still.seconds() < _STILL_SECONDS:
        time.sleep(0.1)


class _Still:
    """For how long something has not changed."""

    def __init__(self, state: Callable[[], object]) -> None:
        self._state = state
        self._last = state()
        self._since = time.monotonic()

    def seconds(self) -> float:
        state = self._state()
        if state != self._last:
            self._last, self._since = state, time.monotonic()
        return time.monotonic() - self._since


def _activity(ledger: Ledger) -> tuple[int, int, int]:
    asks = list(ledger)
    return len(asks), sum(ask.sendings for ask in asks), sum(len(ask.told) for ask in asks)
