"""The age of the oldest messages by queue, as a metric: each process shows what it can see.

Messages are never taken to read their age. On Redis or Valkey the intake reads the end of each list, and a
worker knows what it has in hand. RabbitMQ shows no message to those who do not take it: there only the
workers know. What waits in a queue is younger than what they have taken from it, as it is taken in order.
While a worker processes a batch, it reads nothing from RabbitMQ.
"""

import re
import time
from collections.abc import Iterable, Mapping
from typing import Any, Final

from prometheus_client import REGISTRY, Metric
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from willcall.messages import SENT_AT
from willcall.queues import ORDERS
from worker.broker.deliveries import Source

_IN_JSON: Final = re.compile(rb'"%s": ?(\d{1,15})\b' % SENT_AT.encode())


def sent_at(headers: Mapping[str, Any]) -> float | None:
    """Return when a message was sent (Unix seconds), or None if its producer does not say."""
    value = headers.get(SENT_AT)
    return seconds_of(value) if isinstance(value, int) else None


def seconds_of(milliseconds: int) -> float | None:
    """Return a time of the header in Unix seconds, or None for one before 2001 or far in the future."""
    return milliseconds / 1_000 if 10**12 <= milliseconds < 10**15 else None


def sent_at_of_json(message: bytes) -> float | None:
    """Return the same for a message in kombu's format, without parsing it."""
    found = _IN_JSON.search(message, max(message.rfind(b'"headers"'), 0))
    return seconds_of(int(found[1])) if found else None


def oldest_by_queue(sent: Iterable[tuple[str, float | None]]) -> dict[str, float]:
    """Return the earliest of the known times by queue."""
    oldest: dict[str, float] = {}
    for queue, at in sent:
        if at is not None:
            oldest[queue] = min(at, oldest.get(queue, at))
    return oldest


def show_ages(oldest: Mapping[str, float] | None) -> Metric:
    """Return the metric, from the times at which the oldest messages were sent; None: they are unknown.

    Only `orders` is shown when it is empty: on Redis there are hundreds of queues.
    """
    family = GaugeMetricFamily(
        "willcall_queue_oldest_seconds",
        "Age of the oldest message of a queue that this process can see: in the queue, or in its hand.",
        labels=["queue"],
    )
    now = time.time()
    for queue, at in {} if oldest is None else {ORDERS: now, **oldest}.items():
        family.add_metric([queue], max(now - at, 0.0))  # the producer's clock may be ahead
    return family


class InHand(Collector):
    """Shows the age of the messages that a worker has taken and not acknowledged."""

    def __init__(self) -> None:
        self.source: Source | None = None

    def collect(self) -> Iterable[Metric]:
        """Return the metric; called by the thread of a scraper."""
        source = self.source
        # The intake imports this module as well, and shows the metric by itself.
        if source is not None:
            yield show_ages(source.oldest())


IN_HAND: Final = InHand()
REGISTRY.register(IN_HAND)
