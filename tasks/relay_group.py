"""Publishing a group of event messages, and finding the cause when the broker does not take it.

After each failure a probe, a message without a destination, is published. If the broker does not take the
probe, the failure is the broker's: nothing more is tried or buried. If it does, either a queue is full or
unavailable, and the types of event messages that were not taken wait; or the group holds one that cannot be
sent, and is halved until that one is alone.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from orders.outbox import ClaimedMessage
from schemas.events import CONTENT_TYPE
from tasks.progress import PROGRESS
from willcall.confirms import Blocked, NotConfirmed, Postponed, Refused
from willcall.messages import Message
from willcall.publishing import Publisher
from willcall.queues import EVENTS

_TRIES: Final = 3
"""How often an event message that breaks its connection is tried alone: a network may fail once or twice."""

_LONGEST_SECONDS: Final = 20.0
"""How long a group may take, as a transaction is open meanwhile; the rest is sent with the next group."""


@dataclass(slots=True)
class Relayed:
    """The result of publishing a group."""

    sent: list[ClaimedMessage] = field(default_factory=list)
    refused: list[tuple[ClaimedMessage, str]] = field(default_factory=list)
    """Event messages that the broker will never take, each with its reason."""
    waiting: dict[str, str] = field(default_factory=dict)
    """The types of event messages that the broker does not take now, each with its reason."""
    outage: str | None = None
    """The reason why the broker takes nothing at all."""


def relay_group(publisher: Publisher, messages: Sequence[ClaimedMessage]) -> Relayed:
    """Publish the messages in order, and return the result; messages that are not in it wait.

    No message is tried after an earlier one of its subject that waits; one already on its way is sent again.
    """
    group = _Group(publisher)
    group.publish(messages)
    _keep_order(group.relayed, messages)
    return group.relayed


def _keep_order(relayed: Relayed, messages: Sequence[ClaimedMessage]) -> None:
    """Treat messages that follow a waiting one of the same subject as not sent."""
    settled = {message.name for message in (*relayed.sent, *(refused for refused, _ in relayed.refused))}
    held: set[UUID] = set()
    early = set()
    for message in messages:
        if message.name not in settled:
            held.add(message.subject)
        elif message.subject in held:
            early.add(message.name)
    if early:
        relayed.sent = [message for message in relayed.sent if message.name not in early]
        relayed.refused = [(message, why) for message, why in relayed.refused if message.name not in early]


class _Group:
    def __init__(self, publisher: Publisher) -> None:
        self.relayed = Relayed()
        self._held: set[UUID] = set()
        self._publisher = publisher
        self._until = time.monotonic() + _LONGEST_SECONDS

    def publish(self, messages: Sequence[ClaimedMessage]) -> None:
        messages = [message for message in messages if self._may_go(message)]
        if not messages or self.relayed.outage is not None or time.monotonic() > self._until:
            return
        try:
            self._send(messages)
        except NotConfirmed as error:
            confirmed = error.confirmed
            self.relayed.sent += [message for place, message in enumerate(messages) if place in confirmed]
            rest = [message for place, message in enumerate(messages) if place not in confirmed]
            self._find_out(rest, error)
        else:
            self.relayed.sent += messages

    def _may_go(self, message: ClaimedMessage) -> bool:
        if message.type in self.relayed.waiting:
            self._held.add(message.subject)
        return message.subject not in self._held

    def _find_out(self, messages: Sequence[ClaimedMessage], error: NotConfirmed) -> None:
        if not self._takes_anything(error):
            return
        if isinstance(error, Postponed) or error.is_silence:
            self._postpone(messages, error)
        elif len(messages) > 1:
            middle = len(messages) // 2
            self.publish(messages[:middle])
            self.publish(messages[middle:])
        elif messages:
            self._judge(messages[0], error)

    def _judge(self, message: ClaimedMessage, error: NotConfirmed) -> None:
        """Decide about an event message that failed alone, when the broker takes others."""
        for _ in range(_TRIES - 1):
            if isinstance(error, Refused):
                break
            try:
                self._send([message])
            except NotConfirmed as again:
                error = again
            else:
                self.relayed.sent.append(message)
                return
            if not self._takes_anything(error):
                return
        if isinstance(error, Postponed) or error.is_silence or not _is_for_good(error):
            self._postpone([message], error)
        else:
            self.relayed.refused.append((message, str(error)))

    def _send(self, messages: Sequence[ClaimedMessage]) -> None:
        PROGRESS.step()
        self._publisher.publish(
            [
                Message(EVENTS.name, message.type, message.body, content_type=CONTENT_TYPE)
                for message in messages
            ]
        )

    def _takes_anything(self, error: NotConfirmed) -> bool:
        PROGRESS.step()
        try:
            if isinstance(error, Blocked):
                raise error
            self._publisher.probe()
        except NotConfirmed:
            self.relayed.outage = str(error)
        return self.relayed.outage is None

    def _postpone(self, messages: Sequence[ClaimedMessage], error: NotConfirmed) -> None:
        self.relayed.waiting |= {message.type: str(error) for message in messages}
        self._held |= {message.subject for message in messages}


def _is_for_good(error: NotConfirmed) -> bool:
    """Tell whether it will never be taken: the broker says so, or each try broke the connection."""
    return error.is_for_good if isinstance(error, Refused) else True
