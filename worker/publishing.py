"""Publishing many messages and waiting once until the broker has them all."""

import json
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Final, Self
from uuid import uuid4

from kombu import Connection, Exchange, Producer, Queue

from worker.amqp_socket import AmqpSocket
from worker.queues import EVENTS, is_amqp, queues, transport_options
from worker.settings import Settings

ORIGIN: Final = "willcall"


class NotConfirmed(Exception):
    """The broker did not confirm: the messages may or may not be there; publish them again."""


@dataclass(frozen=True, slots=True)
class Message:
    """One message to publish: a body, and where it goes."""

    exchange: str
    routing_key: str
    body: bytes
    content_type: str = "application/json"
    headers: Mapping[str, Any] = field(default_factory=dict)
    is_mandatory: bool = False
    properties: Mapping[str, Any] = field(default_factory=dict)


def task_message(task: str, kwargs_json: bytes, *, queue: str, summary: str, requests: int = 0) -> Message:
    """Return a Celery message (protocol 2) for a task; `kwargs_json` is the JSON of its keyword arguments.

    `summary` is all that Flower and the logs will show of the arguments: no buyer's name may be in it.
    `requests` tells the bulk consumer how many requests the message carries, before it reads the body.
    """
    task_id = str(uuid4())
    headers = {
        "lang": "py",
        "task": task,
        "id": task_id,
        "root_id": task_id,
        "parent_id": None,
        "group": None,
        "argsrepr": "()",
        "kwargsrepr": summary,
        "origin": ORIGIN,
        "ignore_result": True,
        "retries": 0,
        "timelimit": [None, None],
        "eta": None,
        "expires": None,
        "shadow": None,
        "willcall_requests": requests,
    }
    embed = b', {"callbacks": null, "errbacks": null, "chain": null, "chord": null}]'
    return Message(
        exchange=queue,
        routing_key=queue,
        body=b"[[], " + kwargs_json + embed,
        headers=headers,
        is_mandatory=True,
        properties={"correlation_id": task_id},
    )


class Publisher:
    """A connection that publishes groups of messages with confirms; for one thread at a time.

    It connects when it is first used, and again after an error.
    """

    def __init__(self, broker_url: str, settings: Settings) -> None:
        self._url = broker_url
        self._options = transport_options(settings, broker_url)
        # One wait for the whole group: see `_publish_amqp`.
        self._options.pop("confirm_publish", None)
        # Who publishes decides about another try: kombu's own tries take six seconds to give up.
        self._options["max_retries"] = 0
        if not is_amqp(broker_url):
            self._options["socket_timeout"] = settings.publish_timeout_seconds
        self._timeout = settings.publish_timeout_seconds
        self._is_amqp = is_amqp(broker_url)
        self._entities: tuple[Exchange | Queue, ...] = (*queues(broker_url), EVENTS)
        self._connection: Connection | None = None
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def publish(self, messages: Sequence[Message]) -> None:
        """Publish the messages in their order and return when the broker has confirmed every one.

        Raises `NotConfirmed`. A connection that died while idle is replaced once, silently: publishing
        twice is harmless, because what receives our messages dedupes.
        """
        with self._lock:
            is_fresh = self._connection is None
            try:
                self._publish(messages)
            except NotConfirmed:
                if is_fresh:
                    raise
                self._publish(messages)

    def _publish(self, messages: Sequence[Message]) -> None:
        try:
            connection = self._connect()
            if self._is_amqp:
                self._publish_amqp(connection, messages)
            else:
                self._publish_redis(connection, messages)
        except NotConfirmed:
            self._drop()
            raise
        except Exception as error:  # whatever the client library raises, the group is not confirmed
            self._drop()
            raise NotConfirmed(f"the broker does not answer: {error}") from error

    def _connect(self) -> Connection:
        if self._connection is None:
            connection = Connection(self._url, transport_options=self._options, connect_timeout=5)
            try:
                channel = connection.default_channel
                for entity in self._entities:
                    entity(channel).declare()
                if self._is_amqp:
                    channel.confirm_select()
            except BaseException:
                connection.release()
                raise
            self._connection = connection
            if self._is_amqp:
                self._confirms = _Confirms(channel)
                self._socket = AmqpSocket(connection.connection)
        return self._connection

    def _publish_amqp(self, connection: Connection, messages: Sequence[Message]) -> None:
        self._confirms.expect(len(messages))
        with self._socket.writing_together():
            for message in messages:
                _write(connection.default_channel, message)
        deadline = time.monotonic() + self._timeout
        while self._confirms.is_waiting:
            left = deadline - time.monotonic()
            if left <= 0:
                raise NotConfirmed(f"the broker did not confirm within {self._timeout:g} s")
            self._socket.drain(left)
        self._confirms.check()

    def _publish_redis(self, connection: Connection, messages: Sequence[Message]) -> None:
        producer = Producer(connection.default_channel)
        with producer.batch(max_size=1_000):
            for message in messages:
                producer.publish(
                    message.body,
                    exchange=message.exchange,
                    routing_key=message.routing_key,
                    content_type=message.content_type,
                    content_encoding="utf-8",
                    headers=dict(message.headers),
                    delivery_mode=2,
                    **message.properties,
                )

    def close(self) -> None:
        """Close the connection; the next use opens another."""
        with self._lock:
            self._drop()

    def _drop(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(Exception):  # it is broken already
                connection.release()


def _write(channel: Any, message: Message) -> None:
    prepared = channel.prepare_message(
        message.body,
        priority=0,
        content_type=message.content_type,
        content_encoding="utf-8",
        headers=dict(message.headers),
        properties={"delivery_mode": 2, **message.properties},
    )
    # The plain publish: kombu's own, with `confirm_publish`, waits for each message alone.
    channel._basic_publish(prepared, message.exchange, message.routing_key, mandatory=message.is_mandatory)


class _Confirms:
    """Counts a channel's publisher confirms (RabbitMQ's extension of AMQP 0-9-1)."""

    def __init__(self, channel: Any) -> None:
        self._last_tag = 0
        self._open: set[int] = set()
        self._refused = 0
        self._returned: list[str] = []
        channel.events["basic_ack"].add(self._on_ack)
        channel.events["basic_nack"].add(self._on_nack)
        channel.events["basic_return"].add(self._on_return)

    def expect(self, count: int) -> None:
        """Await confirms of the next `count` messages."""
        self._open.update(range(self._last_tag + 1, self._last_tag + count + 1))
        self._last_tag += count
        self._refused = 0
        self._returned.clear()

    @property
    def is_waiting(self) -> bool:
        """Say whether some are not confirmed yet."""
        return bool(self._open)

    def check(self) -> None:
        """Raise `NotConfirmed` if the broker refused one, or had no queue for it."""
        if self._refused:
            raise NotConfirmed(f"the broker refused {self._refused} messages")
        if self._returned:
            raise NotConfirmed(f"the broker has no queue for {self._returned[0]}")

    def _on_ack(self, delivery_tag: int, multiple: bool) -> None:
        if multiple:
            self._open = {tag for tag in self._open if tag > delivery_tag}
        else:
            self._open.discard(delivery_tag)

    def _on_nack(self, delivery_tag: int, multiple: bool) -> None:
        before = len(self._open)
        self._on_ack(delivery_tag, multiple)
        self._refused += before - len(self._open)

    def _on_return(self, error: Exception, exchange: str, routing_key: str, message: object) -> None:
        self._returned.append(f"{exchange}/{routing_key}")


def kwargs_json(**kwargs: object) -> bytes:
    """Return the JSON of a small task's keyword arguments."""
    return json.dumps(kwargs).encode()
