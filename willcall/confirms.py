"""Publisher confirms, and the errors for messages that the broker does not confirm."""

import struct
from typing import Any, Final

import redis
from amqp.exceptions import AMQPError

PRECONDITION_FAILED: Final = 406

# Reply codes about the message itself (AMQP 0-9-1, 1.2; RabbitMQ answers 406 if it is too large).
_OF_A_MESSAGE: Final = {311, PRECONDITION_FAILED, 501, 502, 503, 505}
# Reply codes about the broker: it is stopped, lacks a resource, or failed.
_OF_THE_BROKER: Final = {320, 506, 541}

# Redis has no codes. Too large for the protocol (`proto-max-bulk-len`), or for a string.
_TOO_LARGE: Final = ("Protocol error", "invalid bulk length", "string exceeds maximum allowed size")

_CAUSED_BY: Final = "of pipeline caused error: "


class NotConfirmed(Exception):
    """The broker did not confirm: the messages may or may not be stored; publish them again.

    `confirmed` are the positions, from 0, of the messages in the group that were confirmed. `is_silence` says
    that the connection was good, and no answer came in time.
    """

    def __init__(
        self, message: str, confirmed: frozenset[int] = frozenset(), *, is_silence: bool = False
    ) -> None:
        super().__init__(message)
        self.confirmed = confirmed
        self.is_silence = is_silence


class Postponed(NotConfirmed):
    """The broker did not take some of the messages now: their queue is full or unavailable.

    It reports this for each message, but the cause is the queue: it may take them later.
    """


class Blocked(NotConfirmed):
    """The broker blocks publishers: it has an alarm, of its memory or its disk."""


class Refused(NotConfirmed):
    """The broker refused the group, and does not say which of its messages is the cause.

    `is_for_good` says that the cause is the message itself, such as its size: it will never be taken.
    """

    def __init__(self, message: str, confirmed: frozenset[int], *, is_for_good: bool) -> None:
        super().__init__(message, confirmed)
        self.is_for_good = is_for_good


def failure_of(error: Exception, confirmed: frozenset[int] = frozenset()) -> NotConfirmed:
    """Return the error to raise for a failed publish, from the error of the client library."""
    cause = error.__cause__ if isinstance(error.__cause__, redis.RedisError) else error
    if isinstance(cause, NotConfirmed):
        return cause
    if isinstance(cause, TimeoutError | redis.TimeoutError):
        return NotConfirmed("the broker did not answer in time", confirmed, is_silence=True)
    # redis-py's text quotes the command, which may name a buyer.
    sentence = str(cause).partition(_CAUSED_BY)[2] or str(cause) or type(cause).__name__
    if isinstance(cause, AMQPError) and cause.reply_code and cause.reply_code not in _OF_THE_BROKER:
        is_for_good = cause.reply_code in _OF_A_MESSAGE
        return Refused(f"the broker refused the message: {sentence}", confirmed, is_for_good=is_for_good)
    if isinstance(cause, redis.DataError):
        return Refused(f"the message cannot be encoded: {sentence}", confirmed, is_for_good=True)
    if isinstance(cause, redis.ResponseError):
        is_for_good = any(fragment in sentence for fragment in _TOO_LARGE)
        return Refused(f"the broker refused the message: {sentence}", confirmed, is_for_good=is_for_good)
    if isinstance(cause, TypeError | ValueError | struct.error):
        sentence = type(cause).__name__  # its text may quote the message
        return Refused(f"the message cannot be encoded: {sentence}", confirmed, is_for_good=True)
    return NotConfirmed(f"the broker does not answer: {sentence}", confirmed)


class Confirms:
    """Counts a channel's publisher confirms (RabbitMQ's extension of AMQP 0-9-1)."""

    def __init__(self, channel: Any) -> None:
        self._first_tag = 1
        self._last_tag = 0
        self._open: set[int] = set()
        self._refused: set[int] = set()
        self._returned: list[str] = []
        channel.events["basic_ack"].add(self._on_ack)
        channel.events["basic_nack"].add(self._on_nack)
        channel.events["basic_return"].add(self._on_return)

    def expect(self, count: int) -> None:
        """Expect confirms of the next `count` messages, and of no earlier ones."""
        self._first_tag, self._last_tag = self._last_tag + 1, self._last_tag + count
        self._open = set(range(self._first_tag, self._last_tag + 1))
        self._refused.clear()
        self._returned.clear()

    @property
    def is_waiting(self) -> bool:
        """Tell whether some messages are not confirmed yet."""
        return bool(self._open)

    @property
    def confirmed(self) -> frozenset[int]:
        """Return the positions, from 0, of the confirmed messages."""
        tags = range(self._first_tag, self._last_tag + 1)
        return frozenset(
            tag - self._first_tag for tag in tags if tag not in self._open and tag not in self._refused
        )

    def check(self) -> None:
        """Raise `Postponed` if a queue did not take a message, or `NotConfirmed` if a queue is missing."""
        if self._refused:
            raise Postponed(f"the broker refused {len(self._refused)} messages", self.confirmed)
        if self._returned:
            # The next connection declares it again.
            raise NotConfirmed(f"the broker has no queue for {self._returned[0]}")

    def _on_ack(self, delivery_tag: int, multiple: bool) -> None:
        self._settle(delivery_tag, multiple)

    def _on_nack(self, delivery_tag: int, multiple: bool) -> None:
        self._refused |= self._settle(delivery_tag, multiple)

    def _settle(self, delivery_tag: int, multiple: bool) -> set[int]:
        settled = {tag for tag in self._open if tag <= delivery_tag} if multiple else {delivery_tag}
        settled &= self._open
        self._open -= settled
        return settled

    def _on_return(self, error: Exception, exchange: str, routing_key: str, message: object) -> None:
        self._returned.append(f"{exchange}/{routing_key}")
