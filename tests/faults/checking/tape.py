"""A consumer of every event message, as a program that lives on them would be one."""

import threading
import time
from base64 import b64decode
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final

import orjson
from kombu import Connection, Consumer, Queue

from tests.processes import PATIENCE_SECONDS
from willcall.broker_urls import servers_in
from willcall.queues import EVENTS, is_amqp

_QUEUE: Final = "harness.events"
_AT_ONCE: Final = 200


@dataclass(frozen=True)
class Heard:
    """One event message, as it came."""

    at: float
    id: str
    type: str
    subject: str
    sequence: int
    data: Any


@dataclass
class Tape:
    """Records until it is stopped; it connects again whenever the broker was away."""

    url: str
    queue: str = _QUEUE
    heard: list[Heard] = field(default_factory=list)
    is_paused: bool = False
    """Whether it takes nothing: what comes waits in its queue."""
    _is_over: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def start(self) -> None:
        with Connection(self.url) as connection:
            self._queue()(connection.default_channel).declare()
        self._thread = threading.Thread(target=self._run, name="tape", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._is_over.set()
        if self._thread is not None:
            self._thread.join(PATIENCE_SECONDS)

    def has_heard(self, subject: str) -> bool:
        return any(one.subject == subject for one in reversed(self.heard))

    def _queue(self) -> Queue:
        # On one node a classic queue: RabbitMQ 3.10 never finds the leader of a quorum queue again when it is
        # killed within a moment of the queue's declaration, as scenes do, and then confirms no event.
        is_cluster = is_amqp(self.url) and len(servers_in(self.url)) > 1
        arguments = {"x-queue-type": "quorum"} if is_cluster else None
        return Queue(self.queue, EVENTS, "#", durable=True, queue_arguments=arguments)

    def _run(self) -> None:
        while not self._is_over.is_set():
            # Whatever ends a connection, the next one goes on: the queue keeps what was not acknowledged.
            with suppress(Exception):
                if not self.is_paused:
                    self._record()
            time.sleep(0.1)

    @property
    def _goes_on(self) -> bool:
        return not (self.is_paused or self._is_over.is_set())

    def _record(self) -> None:
        with Connection(self.url, connect_timeout=2, heartbeat=5) as connection:
            if is_amqp(self.url):
                self._consume(connection)
            else:
                self._read(connection)

    def _consume(self, connection: Connection) -> None:
        def note(message: Any) -> None:
            self._note(message.body)
            message.ack()

        with Consumer(connection, [self._queue()], on_message=note, prefetch_count=200):
            while self._goes_on:
                with suppress(TimeoutError):
                    connection.drain_events(timeout=0.5)

    def _read(self, connection: Connection) -> None:
        """Read what is there and then remove it: kombu pops first, and loses that when its broker dies."""
        client = connection.default_channel.client
        while self._goes_on:
            messages = client.lrange(self.queue, -_AT_ONCE, -1)
            for message in reversed(messages):
                self._note(b64decode(orjson.loads(message)["body"]))
            if messages:
                client.ltrim(self.queue, 0, -len(messages) - 1)
            else:
                time.sleep(0.02)

    def _note(self, body: bytes | str) -> None:
        event = orjson.loads(body)
        heard = Heard(
            time.monotonic(),
            event["id"],
            event["type"],
            event["subject"],
            int(event["sequence"]),
            event.get("data"),
        )
        self.heard.append(heard)
