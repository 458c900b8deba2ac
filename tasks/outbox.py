"""`outbox.relay`: event messages leave for the exchange `willcall.events`."""

import logging
from datetime import UTC, datetime
from typing import Final

from celery import shared_task

from orders.outbox import claim_unsent, mark_sent
from schemas.events import CONTENT_TYPE
from tasks.resources import engine, publisher
from worker import metrics
from worker.publishing import Message, NotConfirmed, task_message
from worker.queues import EVENTS, OUTBOX

log = logging.getLogger(__name__)

RELAY: Final = "outbox.relay"

_GROUP: Final = 500
"""Event messages that share one wait for the broker's confirms."""


def wake_relay() -> None:
    """Ask the relay to look at the outbox. A wake that is lost costs a moment: the sweep comes."""
    try:
        publisher().publish([task_message(RELAY, b"{}", queue=OUTBOX, summary="{}")])
    except NotConfirmed as error:
        log.warning("the relay was not woken", extra={"error": str(error)})


@shared_task(name=RELAY)
def relay() -> int:
    """Publish what the outbox holds, with confirms, until it is empty; return how many were sent."""
    sent = 0
    while True:
        with engine().begin() as connection:
            messages = claim_unsent(connection, _GROUP)
            if not messages:
                return sent
            # A crash between the confirm and the commit sends these again, with the same ids.
            publisher().publish(
                [
                    Message(EVENTS.name, message.type, message.body, content_type=CONTENT_TYPE)
                    for message in messages
                ]
            )
            mark_sent(connection, messages, datetime.now(UTC))
        sent += len(messages)
        metrics.EVENTS_SENT.inc(len(messages))
