"""`outbox.relay`: event messages leave for the exchange `willcall.events`."""

import logging
import threading
import time
from functools import cache
from typing import Final
from uuid import UUID

from celery import shared_task

from orders.outbox import FIRST, Claimed, claim_unsent, mark_sent
from schemas.events import CONTENT_TYPE
from tasks.resources import engine, publisher
from worker import metrics
from worker.publishing import Message, NotConfirmed, task_message
from worker.queues import EVENTS, OUTBOX

log = logging.getLogger(__name__)

RELAY: Final = "outbox.relay"

_GROUP: Final = 500
"""Event messages that share one wait for the broker's confirms."""


_wanted = threading.Event()

_TOGETHER_SECONDS: Final = 0.01
"""Small batches follow each other by milliseconds; their wakes are one."""


def wake_relay() -> None:
    """Have the relay look at the outbox, soon; does not wait for the broker.

    Wakes that come together are one. A wake that is lost costs a moment: the sweep comes.
    """
    _wanted.set()
    _start_waking()


@cache
def _start_waking() -> None:
    threading.Thread(target=_keep_waking, name="relay-waker", daemon=True).start()


def _keep_waking() -> None:
    while _wanted.wait():
        _wanted.clear()
        time.sleep(_TOGETHER_SECONDS)
        try:
            publisher().publish([task_message(RELAY, b"{}", queue=OUTBOX, summary="{}")])
        except NotConfirmed as error:
            log.warning("the relay was not woken", extra={"error": str(error)})


@shared_task(name=RELAY)
def relay() -> int:
    """Publish what the outbox holds, with confirms, until it is empty; return how many were sent."""
    sent = 0
    after = FIRST
    while True:
        messages = _send_group(after)
        sent += len(messages)
        metrics.EVENTS_SENT.inc(len(messages))
        if messages:
            after = messages[-1].subject
        elif after == FIRST:
            return sent
        else:
            after = FIRST  # once more from the start: some had to wait for an earlier one of their subject


def _send_group(after: UUID) -> list[Claimed]:
    with engine().begin() as connection:
        messages = claim_unsent(connection, after=after, limit=_GROUP)
        if messages:
            # A crash between the confirm and the commit sends these again, with the same ids.
            publisher().publish(
                [
                    Message(EVENTS.name, message.type, message.body, content_type=CONTENT_TYPE)
                    for message in messages
                ]
            )
            mark_sent(connection, messages)
    return messages
