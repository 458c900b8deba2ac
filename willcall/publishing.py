"""Publishing many messages, with one wait for the broker's confirms."""

import threading
import time
from collections.abc import Sequence
from contextlib import closing, suppress
from dataclasses import replace
from types import TracebackType
from typing import Any, Final, NoReturn, Self

from kombu import Connection, Exchange, Queue
from kombu.transport.redis import PublishBatch

from willcall.amqp_socket import AmqpSocket
from willcall.broker_urls import SENTINEL
from willcall.confirms import Blocked, Confirms, NotConfirmed, Postponed, Refused, failure_of
from willcall.connections import blame, drop, open_connection, stay_closed
from willcall.messages import Message
from willcall.queues import EVENTS, MAINTENANCE, is_amqp, queues, share_of, share_queue
from willcall.redis_replicas import wait_for_replica
from willcall.redis_waits import wake_workers
from willcall.settings import BrokerSettings

__all__ = ["NotConfirmed", "Postponed", "Publisher", "Refused"]


LONGEST_TRIES: Final = 5
"""The most timeouts that a call of `Publisher.publish` may take: it connects and publishes, twice."""

_RENEWED_AFTER_SECONDS: Final = 1.0
"""A connection older than this is replaced when a queue does not take a message that was published on it."""

_PROBE_BYTES: Final = 16 * 1024
"""As large as an ordinary message: a broker that refuses the probe refuses all messages."""

_PROBE: Final = "willcall.probe"

_PIPELINE_COMMANDS: Final = 1_000
"""Redis: how many messages are written in one round trip."""


class Publisher:
    """Publishes groups of messages with confirms; for one thread at a time.

    It connects at its first use, and again after an error. `WILLCALL_PUBLISH_TIMEOUT_SECONDS` limits each
    wait for the broker: to connect, to declare, to write, and for all confirms of a group.
    """

    def __init__(self, broker_url: str, settings: BrokerSettings) -> None:
        self._url = broker_url
        self._settings = settings
        self._timeout = settings.publish_timeout_seconds
        self._is_amqp = is_amqp(broker_url)
        self._entities: tuple[Exchange | Queue, ...] = (*queues(broker_url), EVENTS)
        self._shares: set[str] = set()  # the shares declared on this connection (RabbitMQ)
        self._connection: Connection | None = None
        self._connected_at = 0.0
        self._confirms: Confirms | None = None
        self._is_blocked = False
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def publish(self, messages: Sequence[Message]) -> None:
        """Publish the messages in order, and return when the broker has confirmed all of them.

        Raises `NotConfirmed` or one of its subclasses in `willcall.confirms`. A connection that was lost
        while idle is replaced once, silently: publishing twice is harmless, as consumers ignore repeats.
        """
        with self._lock:
            is_fresh = self._connection is None
            try:
                self._publish(messages)
            except (Postponed, Refused, Blocked):
                raise
            except NotConfirmed:
                if is_fresh:
                    raise
                self._publish(messages)

    def probe(self) -> None:
        """Publish a message without a destination. Raises `NotConfirmed` if the broker does not take it."""
        if self._is_amqp:
            # To an exchange of our own without a queue for this key: it is confirmed, and dropped.
            self.publish([Message(MAINTENANCE, _PROBE, b"x" * _PROBE_BYTES)])
            return
        with self._lock:
            try:
                client = self._connect().default_channel.client
                client.set(_PROBE, b"x" * _PROBE_BYTES, px=1)
            except Exception as error:  # whatever the client library raises
                self._drop()
                raise failure_of(error) from error

    def _publish(self, messages: Sequence[Message]) -> None:
        connection = self._connected()
        messages = [self._addressed(message) for message in messages]
        try:
            if self._is_amqp:
                self._publish_amqp(connection, messages)
            else:
                self._publish_redis(connection, messages)
        except Blocked:
            raise  # the connection is still good
        except Postponed:
            self._renew_when_due()
            raise
        except Exception as error:  # whatever the client library raises, the group is not confirmed
            confirmed = self._confirms.confirmed if self._confirms is not None else frozenset()
            failure = failure_of(error, confirmed)
            if not isinstance(failure, Refused):
                blame(connection)
            self._drop()
            raise failure from error

    def _renew_when_due(self) -> None:
        """Publish the next group on a new connection, unless this one is new.

        RabbitMQ (3.10) may refuse all later messages of a channel that published while a queue had no leader.
        """
        if time.monotonic() - self._connected_at > _RENEWED_AFTER_SECONDS:
            self._let_go()

    def _addressed(self, message: Message) -> Message:
        """Return the message addressed to its tenant's share, through the default exchange."""
        if message.tenant is None:
            return message
        return replace(message, exchange="", routing_key=share_of(message.tenant, self._url))

    def _connected(self) -> Connection:
        try:
            return self._connect()
        except Exception as error:  # whatever the client library raises
            raise NotConfirmed(f"the broker does not answer: {error}") from error

    def _connect(self) -> Connection:
        if self._connection is None:
            # We wait once for the whole group, and the caller decides whether to retry: kombu waits for each
            # message, and takes six seconds to give up.
            connection = open_connection(
                self._url,
                self._settings,
                seconds=self._timeout,
                options={"confirm_publish": False, "max_retries": 0} if self._is_amqp else {"max_retries": 0},
            )
            try:
                channel = connection.default_channel
                for entity in self._entities:
                    entity(channel).declare()
                if self._is_amqp:
                    self._set_up_amqp(connection, channel)
            except BaseException:
                drop(connection)
                raise
            self._connection = connection
            self._connected_at = time.monotonic()
        return self._connection

    def _set_up_amqp(self, connection: Connection, channel: Any) -> None:
        stay_closed(channel)
        channel.confirm_select()
        self._confirms = Confirms(channel)
        self._is_blocked = False
        self._shares.clear()
        library = connection.connection
        library.on_blocked, library.on_unblocked = self._on_blocked, self._on_unblocked
        self._socket = AmqpSocket(library)

    def _on_blocked(self, reason: str) -> None:
        self._is_blocked = True

    def _on_unblocked(self) -> None:
        self._is_blocked = False

    def _publish_amqp(self, connection: Connection, messages: Sequence[Message]) -> None:
        assert self._confirms is not None  # noqa: S101 - made with the connection
        self._wait_if_blocked()
        self._declare_shares(connection, messages)
        self._confirms.expect(len(messages))
        with self._socket.writing_together():
            for message in messages:
                _write(connection.default_channel, message)
        deadline = time.monotonic() + self._timeout
        while self._confirms.is_waiting:
            left = deadline - time.monotonic()
            if left <= 0:
                self._give_up()
            with suppress(TimeoutError):
                self._socket.drain(left)
        self._confirms.check()

    def _declare_shares(self, connection: Connection, messages: Sequence[Message]) -> None:
        shares = {message.routing_key for message in messages if message.tenant is not None}
        for name in shares - self._shares:
            share_queue(name)(connection.default_channel).declare()
            self._shares.add(name)

    def _wait_if_blocked(self) -> None:
        """Wait up to the timeout while the broker blocks publishers (memory, disk).

        It reads nothing meanwhile: messages would wait in buffers, and be published twice.
        """
        with suppress(TimeoutError, BlockingIOError):
            while True:
                self._socket.drain(self._timeout if self._is_blocked else 0)
        self._check_alarm()

    def _check_alarm(self) -> None:
        if self._is_blocked:
            raise Blocked("the broker accepts nothing: it has an alarm, of its memory or its disk")

    def _give_up(self) -> NoReturn:
        """Raise `Postponed` if some messages were confirmed in time, `NotConfirmed` if none was."""
        assert self._confirms is not None  # noqa: S101 - made with the connection
        reason = f"the broker did not confirm within {self._timeout:g} s"
        if self._confirms.confirmed:
            raise Postponed(reason, self._confirms.confirmed)
        self._check_alarm()  # when it is over, the broker takes what was sent on this connection
        raise NotConfirmed(reason, is_silence=True)

    def _publish_redis(self, connection: Connection, messages: Sequence[Message]) -> None:
        channel = connection.default_channel
        with closing(PublishBatch(channel, max_size=_PIPELINE_COMMANDS)) as batch:
            for message in messages:
                batch.publish(
                    _prepared(channel, message), exchange=message.exchange, routing_key=message.routing_key
                )
            if any(message.tenant is not None for message in messages):
                # In the same round trip: Redis flushes its log once for both.
                wake_workers(batch.pipeline, channel.global_keyprefix)
            batch.flush()
            if len(batch.pipeline):  # the last message ended a pipeline
                batch.pipeline.execute()
        if self._url.startswith(SENTINEL):
            # Half the timeout, so that the socket's does not end first.
            wait_for_replica(channel, self._timeout / 2)

    def close(self) -> None:
        """Close the connection; the next use opens another."""
        with self._lock:
            self._let_go()

    def _let_go(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(Exception):  # it is broken already
                connection.release()
            drop(connection)

    def _drop(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            drop(connection)


def _write(channel: Any, message: Message) -> None:
    prepared = _prepared(channel, message)
    # The publish without a wait: with `confirm_publish` kombu waits for each message.
    channel._basic_publish(prepared, message.exchange, message.routing_key, mandatory=message.is_mandatory)


def _prepared(channel: Any, message: Message) -> Any:
    return channel.prepare_message(
        message.body,
        priority=0,
        content_type=message.content_type,
        content_encoding="utf-8",
        headers=dict(message.headers),
        properties={"delivery_mode": 2, **message.properties},
    )
