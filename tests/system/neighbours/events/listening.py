"""Event messages to send, and a queue on their exchange that hears them."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from queue import Empty
from typing import Any
from uuid import uuid4

import orjson
from kombu import Connection, Queue
from sqlalchemy import Engine

from orders.outbox import add_messages
from orders.rows import MessageRow
from tests.factories import rows, scalar
from willcall.queues import EVENTS


def tell(engine: Engine, *texts: str, type: str = "order.updated", subject: str | None = None) -> list[str]:
    """Write an event message for each text, one a subject, or all of one; return their subjects."""
    tenant = str(scalar(engine, "SELECT id FROM tenants LIMIT 1"))
    data = [orjson.dumps({"text": text}).decode() for text in texts]
    subjects = [subject or str(uuid4()) for _ in texts]
    messages = [
        MessageRow(of, number if subject else 1, tenant, type, one, datetime.now(UTC))
        for number, (of, one) in enumerate(zip(subjects, data, strict=True), 1)
    ]
    with engine.begin() as connection:
        add_messages(connection, messages)
    return subjects


def unsent(engine: Engine) -> set[str]:
    return {str(subject) for (subject,) in rows(engine, "SELECT subject FROM outbox")}


def dead(engine: Engine) -> set[str]:
    letters = rows(engine, "SELECT message FROM dead_letters WHERE kind = 'outbox.relay'")
    return {orjson.loads(bytes(message))["subject"] for (message,) in letters}


@dataclass
class Listener:
    """A queue that is bound to the exchange of events."""

    url: str
    queue: Queue
    heard: list[dict[str, Any]] = field(default_factory=list)

    def take(self) -> list[dict[str, Any]]:
        """Empty the queue; return all that was heard so far, in its order."""
        with Connection(self.url) as connection, connection.SimpleQueue(self.queue) as waiting:
            while True:
                try:
                    message = waiting.get(block=False)
                except Empty:
                    return self.heard
                self.heard.append(orjson.loads(message.body))
                message.ack()

    def subjects(self) -> set[str]:
        return {event["subject"] for event in self.take()}


@contextmanager
def listening(url: str, pattern: str = "#", **arguments: Any) -> Iterator[Listener]:
    queue = Queue(f"listener-{uuid4()}", EVENTS, pattern, durable=True, queue_arguments=arguments)
    with Connection(url) as connection:
        queue(connection.default_channel).declare()
    try:
        yield Listener(url, queue)
    finally:
        with Connection(url) as connection:
            bound = queue(connection.default_channel)
            bound.declare()  # or kombu does not know what to unbind on Redis
            bound.delete()
