"""A Celery bootstep that takes the queue `orders` in bulk: many messages, one transaction, one ack.

It runs next to Celery's own consumer, in a thread of the worker's main process; ordinary tasks of other
queues run as usual. A batch has all messages that wait when the thread is free: a lone message is processed
at once, a thousand under load make two batches. Messages are acknowledged after the commit.
"""

import logging
import threading
import time
from collections.abc import Sequence
from typing import Any, Final

from celery import bootsteps

from db.health import find_trouble
from orders.recovery.dead_letters import storable
from tasks.breaker import TAKEN_IN_BULK, breaker
from tasks.messages import QueueMessage
from tasks.orders import bury_message, process_messages, process_suspect
from tasks.report import Report
from tasks.resources import engine
from tasks.transactions import DatabaseUnavailable
from willcall.queues import ORDERS, is_amqp
from worker.broker.ages import IN_HAND
from worker.broker.amqp.source import AmqpSource
from worker.broker.deliveries import Delivery, Source, SourceLost
from worker.broker.redis.source import RedisSource
from worker.broker.safety import report_risks
from worker.flower_events import Announcer
from worker.flower_thread import Announcements
from worker.pace import Pace
from worker.runtime import metrics
from worker.runtime.pulse import Pulse
from worker.runtime.settings import Settings, get_settings

log = logging.getLogger(__name__)

_IDLE_SECONDS: Final = 1.0
"""How long one wait for a message lasts, and so how late an idle thread notices a stop."""

_FIRST_WAIT_SECONDS: Final = 0.1
_LONGEST_WAIT_SECONDS: Final = 5.0
"""The first and the longest wait between two attempts to connect to the broker."""

_LONGEST_PROBE_SECONDS: Final = 2.0
"""The longest wait between two attempts at the database."""

# A message that was delivered this often may have killed its workers: it is processed alone, so that the
# others get through.
_SUSPECT_AFTER: Final = 3


class BulkOrders(bootsteps.StartStopStep):
    """Starts and stops the bulk consumer of a worker that consumes `orders`."""

    requires = ("celery.worker.components:Pool",)

    def __init__(self, worker: Any, **options: Any) -> None:
        self._consumer: BulkConsumer | None = None
        super().__init__(worker, **options)

    def include_if(self, worker: Any) -> bool:
        return ORDERS in worker.app.amqp.queues.consume_from

    def start(self, worker: Any) -> None:
        # Celery's own consumer must leave this queue to us.
        worker.app.amqp.queues.deselect([ORDERS])
        TAKEN_IN_BULK.add(ORDERS)
        announcements = Announcements(Announcer(worker.app, worker.hostname))
        self._consumer = BulkConsumer(get_settings(), announcements)
        self._consumer.start()
        worker.pulses = [self._consumer.pulse]

    def stop(self, worker: Any) -> None:
        if self._consumer is not None:
            self._consumer.stop()

    def terminate(self, worker: Any) -> None:
        self.stop(worker)


class BulkConsumer(threading.Thread):
    """Takes batches, processes and acknowledges them; reconnects after a loss of the broker."""

    def __init__(self, settings: Settings, announcements: Announcements) -> None:
        super().__init__(name="bulk-orders", daemon=True)
        self._settings = settings
        self._announcements = announcements
        self.pulse = Pulse()
        self._stopping = threading.Event()
        self._has_reported_risks = False
        self._pace = Pace(settings.batch_size)

    def stop(self) -> None:
        """Finish the current batch, return the messages that were read ahead, and end."""
        self._stopping.set()
        log.info("stopping after the current batch")
        self.join()

    def run(self) -> None:
        self._announcements.start()
        self._await_database()
        wait = _FIRST_WAIT_SECONDS
        while not self._stopping.is_set():
            started = time.monotonic()
            try:
                self._connect_and_consume()
            except SourceLost as error:
                log.warning("lost the broker; connecting again", extra={"error": str(error)[:500]})
            except Exception:
                # Without this thread the worker would look alive and take nothing. Messages that were not
                # acknowledged are redelivered.
                log.exception("the bulk consumer failed; starting it again")
            # A connection that lasted was good, and its end may be a short outage.
            if time.monotonic() - started > _LONGEST_WAIT_SECONDS:
                wait = _FIRST_WAIT_SECONDS
            self._stopping.wait(wait)
            wait = min(wait * 2, _LONGEST_WAIT_SECONDS)
        self._announcements.close()

    def _connect_and_consume(self) -> None:
        with self.pulse.waiting():
            source = self._connect()
        self.pulse.abort = source.abort
        IN_HAND.source = source
        try:
            self._consume(source)
        finally:
            IN_HAND.source = None
            with self.pulse.waiting():
                source.close()
            self.pulse.abort = None

    def _await_database(self) -> None:
        """Wait until the database is writable and has the schema that this program needs."""
        while (trouble := find_trouble(engine(), accepts_newer=True)) is not None:
            breaker.open(ORDERS, trouble)
            if self._stopping.wait(_LONGEST_PROBE_SECONDS):
                return
        breaker.close(ORDERS)

    def _connect(self) -> Source:
        url = self._settings.broker()
        return AmqpSource(url, self._settings) if is_amqp(url) else RedisSource(url, self._settings)

    def _consume(self, source: Source) -> None:
        while not self._stopping.is_set():
            limit = self._pace.limit
            with self.pulse.waiting():
                deliveries = source.take(limit, _IDLE_SECONDS)
                if deliveries:
                    source.read_ahead(limit)
            if not deliveries and not self._has_reported_risks:
                # While the queue is empty, as the check sends messages that must not wait behind orders.
                self._has_reported_risks = True
                report_risks(self._settings.broker(), self._settings)
            while deliveries and not self._stopping.is_set():
                count = _batch_length(deliveries)
                batch, deliveries = deliveries[:count], deliveries[count:]
                if self._process(source, batch):
                    with self.pulse.waiting():
                        source.acknowledge(batch)

    def _process(self, source: Source, batch: Sequence[Delivery]) -> bool:
        """Process a batch, waiting for the database without limit; return False if stopped meanwhile."""
        wait = 0.1
        while True:
            started = time.time()
            try:
                report = _handle(batch)
            except DatabaseUnavailable as error:
                breaker.open(ORDERS, str(error))
                metrics.BATCH_RETRIES.inc()
                if self._stopping.wait(wait):
                    return False
                wait = min(wait * 2, _LONGEST_PROBE_SECONDS)
                with self.pulse.waiting():
                    source.keep(batch)
            else:
                breaker.close(ORDERS)
                metrics.REDELIVERED.inc(sum(delivery.count > 1 for delivery in batch))
                self._pace.note(sum(delivery.requests for delivery in batch), time.time() - started)
                self._announcements.announce(batch, report.summary, started)
                return True


def _batch_length(deliveries: Sequence[Delivery]) -> int:
    """Return how many of the deliveries to process in one transaction: a suspect is processed alone."""
    if _is_suspect(deliveries[0]):
        return 1
    suspects = (place for place, delivery in enumerate(deliveries) if _is_suspect(delivery))
    return next(suspects, len(deliveries))


def _is_suspect(delivery: Delivery) -> bool:
    return delivery.dead_reason is not None or delivery.count >= _SUSPECT_AFTER


def _handle(batch: Sequence[Delivery]) -> Report:
    first = batch[0]
    if first.dead_reason is not None:
        return bury_message(_message(first), first.dead_reason)
    if _is_suspect(first):
        return process_suspect(_message(first))
    return process_messages([_message(delivery) for delivery in batch])


def _message(delivery: Delivery) -> QueueMessage:
    # Producers may write any id; `storable` makes one that a row can hold.
    return QueueMessage(
        task=delivery.task,
        message_id=storable(delivery.message_id),
        body=delivery.body,
        deliveries=delivery.count,
        headers=delivery.headers,
        content_type=delivery.content_type,
        content_encoding=delivery.content_encoding,
        is_expired=delivery.is_expired,
    )
