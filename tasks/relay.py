"""`outbox.relay`: publishes the event messages in the outbox to the exchange `willcall.events`."""

import logging
import threading
import time
from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from functools import cache
from typing import Final
from uuid import UUID

from sqlalchemy import Connection, text

from orders.outbox import FIRST, ClaimedMessage, claim_unsent, mark_sent
from orders.recovery.dead_letters import bury
from orders.recovery.event_letters import event_letter
from tasks.breaker import breaker
from tasks.progress import PROGRESS
from tasks.relay_group import Relayed, relay_group
from tasks.resources import publisher
from tasks.ticks import NotDone, scheduled
from tasks.transactions import transaction
from willcall.messages import task_message
from willcall.publishing import LONGEST_TRIES, NotConfirmed
from willcall.queues import OUTBOX
from worker.runtime import metrics, tracing
from worker.runtime.settings import get_settings

log = logging.getLogger(__name__)

RELAY: Final = "outbox.relay"

_GROUP: Final = 500
"""Maximum event messages in a group, which waits once for the broker's confirms."""

_GROUP_BYTES: Final = 4 * 1024 * 1024
"""Maximum bytes of a group's data; a single event message may be larger."""

# A relay that is stopped in a transaction must not hold its locks, and the database's xmin horizon, for ever.
_END_IF_FORGOTTEN: Final = text("SELECT set_config('idle_in_transaction_session_timeout', :limit, true)")
_FORGOTTEN_SECONDS: Final = 120.0

_wanted = threading.Event()

_TOGETHER_SECONDS: Final = 0.01
_APART_SECONDS: Final = 0.05
"""How long wakes are collected: the first shortly, those that follow until this long after the one before.

Small batches follow each other by milliseconds, and a run costs the relay, the database and the broker more
than the few event messages that it sends.
"""


def wake_relay() -> None:
    """Make the relay read the outbox soon, without waiting for the broker.

    Wakes at the same moment are sent as one. A lost wake delays event messages until the next sweep.
    """
    _wanted.set()
    _start_waking()


@cache
def _start_waking() -> None:
    threading.Thread(target=_keep_waking, name="relay-waker", daemon=True).start()


def _keep_waking() -> None:
    next_at = 0.0
    while _wanted.wait():
        time.sleep(max(_TOGETHER_SECONDS, next_at - time.monotonic()))
        _wanted.clear()
        next_at = time.monotonic() + _APART_SECONDS
        try:
            publisher().publish([task_message(RELAY, b"{}", queue=OUTBOX, summary="{}")])
        except NotConfirmed as error:
            log.warning("the relay could not be woken", extra={"error": str(error)})


@scheduled(RELAY, is_shown=False)  # it runs after each batch
def relay() -> int:
    """Send the outbox; return the count of event messages sent."""
    return send_outbox()


def send_outbox() -> int:
    """Publish the outbox with confirms until it is empty; return the count of event messages sent.

    It ends early when the broker takes nothing, or nothing of the rest, and raises `NotDone`: the next sweep
    tries again.
    """
    with PROGRESS.run():
        return _send_outbox()


def _send_outbox() -> int:
    sent = 0
    after = FIRST
    waiting: dict[str, str] = {}
    is_moving = False
    while True:
        messages, relayed = _relay_group(after, waiting)
        breaker.close(RELAY)  # the sweep does it, too: no wake of the relay may follow
        sent += len(relayed.sent)
        waiting |= relayed.waiting
        is_moving |= bool(relayed.sent or relayed.refused)
        if relayed.outage is not None:
            log.error("event messages wait: the broker takes none", extra={"error": relayed.outage})
            raise NotDone(f"the broker takes no event messages: {relayed.outage}", sent)
        if messages:
            after = FIRST if _was_everything(messages, relayed) else messages[-1].subject
        elif after == FIRST or not is_moving:
            break
        else:
            # Again from the start: some had to wait for an earlier one of their subject, here or in another
            # relay, which skipped them and has ended.
            after = FIRST
            is_moving = False
    for type_, reason in waiting.items():
        log.error("event messages of a type wait", extra={"type": type_, "error": reason})
    if waiting:
        (type_, reason), *others = waiting.items()
        more = f", and {len(others)} other types" if others else ""
        raise NotDone(f"the broker does not take {type_}{more}: {reason}", sent)
    return sent


def _was_everything(messages: Sequence[ClaimedMessage], relayed: Relayed) -> bool:
    """Tell whether all of the outbox was in this group and has left: the next claim starts where it began."""
    is_short = len(messages) < _GROUP and sum(len(message.body) for message in messages) < _GROUP_BYTES / 2
    return is_short and len(relayed.sent) + len(relayed.refused) == len(messages)


def _relay_group(after: UUID, waiting: Collection[str]) -> tuple[list[ClaimedMessage], Relayed]:
    settings = get_settings()
    PROGRESS.step()
    with transaction() as connection:
        limit = max(_FORGOTTEN_SECONDS, LONGEST_TRIES * settings.publish_timeout_seconds)
        connection.execute(_END_IF_FORGOTTEN, {"limit": f"{limit:.0f}s"})
        messages = claim_unsent(
            connection,
            after=after,
            limit=_GROUP,
            max_bytes=_GROUP_BYTES,
            max_event_bytes=settings.max_event_bytes,
            but_types=waiting,
            public_url=settings.public_url,
        )
        if not messages:
            return [], Relayed()
        # A crash between the confirm and the commit sends these again, with the same ids.
        with tracing.event_group(message.traceparent for message in messages):
            relayed = relay_group(publisher(), messages)
        settled = [*relayed.sent, *(message for message, _ in relayed.refused)]
        if settled:
            mark_sent(connection, settled)
        _bury_refused(connection, relayed)
    PROGRESS.step()
    metrics.EVENTS_SENT.inc(len(relayed.sent))
    metrics.DEAD_LETTERS.inc(len(relayed.refused))
    for message, reason in relayed.refused:
        log.error(
            "an event message cannot be sent, and is a dead letter",
            extra={"event": f"{message.subject}/{message.sequence}", "type": message.type, "error": reason},
        )
    return messages, relayed


def _bury_refused(connection: Connection, relayed: Relayed) -> None:
    """Store refused event messages as dead letters; later ones of the same subject are still sent."""
    letters = [
        event_letter(
            message.subject,
            message.sequence,
            tenant=message.tenant,
            type=message.type,
            reason=reason,
            size=len(message.body),
        )
        for message, reason in relayed.refused
    ]
    bury(connection, letters, datetime.now(UTC))
