"""The baseline on Celery: one task an order, prefork, acknowledged late."""

import os
import sys
from datetime import UTC, datetime
from functools import cache
from typing import Any, Final

from celery import Celery
from celery.signals import worker_ready
from kombu import Exchange, Queue
from sqlalchemy.orm import Session, sessionmaker

from benchmarks.compared import textbook

QUEUE: Final = "textbook"
TASK: Final = "textbook.create_order"
READY: Final = "the textbook's worker is ready"

_BROKER: Final = os.environ["BENCHMARKS_BROKER_URL"]
_ARGUMENTS: Final = {"x-queue-type": "quorum"} if _BROKER.startswith("amqp") else None

app = Celery("textbook", broker=_BROKER)
app.conf.update(
    # As durable as Willcall's own queue.
    task_queues=[Queue(QUEUE, Exchange(QUEUE), QUEUE, queue_arguments=_ARGUMENTS)],
    task_default_queue=QUEUE,
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    task_ignore_result=True,
    # Enough that no process waits for the broker; more was not faster.
    worker_prefetch_multiplier=16,
    worker_send_task_events=False,
    worker_disable_rate_limits=True,
    accept_content=["json"],
    broker_connection_retry_on_startup=True,
    # It is stopped between its runs, and then answers none.
    broker_heartbeat=0,
    broker_transport_options={} if _ARGUMENTS else {"priority_steps": [0]},
)


@cache
def _sessions() -> sessionmaker[Session]:
    # Made in the process that uses it: connections do not survive a fork.
    return textbook.make_sessions(os.environ["BENCHMARKS_DATABASE_URL"])


@app.task(name=TASK)
def create_order(request: dict[str, Any]) -> None:
    """Create one order."""
    textbook.create_order(_sessions(), request, datetime.now(UTC))


@worker_ready.connect
def _on_ready(**_: Any) -> None:
    sys.stderr.write(READY + "\n")
