"""The baseline's work on dramatiq, on RabbitMQ."""

import os
from collections.abc import Mapping, Sequence
from contextlib import closing
from datetime import UTC, datetime
from functools import cache
from typing import Any, Final

import dramatiq
from dramatiq.brokers.rabbitmq import RabbitmqBroker
from sqlalchemy.orm import Session, sessionmaker

from benchmarks.compared import textbook

QUEUE: Final = "dramatiq"
_ACTOR: Final = "create_order"


@cache
def _sessions() -> sessionmaker[Session]:
    return textbook.make_sessions(os.environ["BENCHMARKS_DATABASE_URL"])


def create_order(request: dict[str, Any]) -> None:
    """Create one order."""
    textbook.create_order(_sessions(), request, datetime.now(UTC))


def _broker(url: str) -> RabbitmqBroker:
    # Without heartbeats: the workers are stopped between their runs, and then answer none.
    # Its client spells the virtual host / in its own way.
    return RabbitmqBroker(url=url.rstrip("/") + "/%2F?heartbeat=0")


def set_up() -> None:
    """Make the broker of a worker process: what the command `dramatiq` calls."""
    broker = _broker(os.environ["BENCHMARKS_BROKER_URL"])
    dramatiq.set_broker(broker)
    dramatiq.actor(actor_name=_ACTOR, queue_name=QUEUE, broker=broker)(create_order)


def publish(url: str, requests: Sequence[Mapping[str, Any]]) -> None:
    """Send one message an order."""
    with closing(_broker(url)) as broker:
        broker.declare_queue(QUEUE)
        for request in requests:
            broker.enqueue(
                dramatiq.Message(
                    queue_name=QUEUE,
                    actor_name=_ACTOR,
                    args=(),
                    kwargs={"request": dict(request)},
                    options={},
                )
            )
