"""Celery's own consumer, with a wait between attempts that fail at once, and with explained errors."""

import logging
import time
from typing import Any, ClassVar, Final

from amqp.exceptions import ResourceLocked
from celery.worker.consumer import Consumer
from celery.worker.consumer.delayed_delivery import DelayedDelivery
from celery.worker.state import maybe_shutdown

from willcall.connections import blame
from worker.broker.faults import explain

log = logging.getLogger(__name__)

_FIRST_WAIT_SECONDS: Final = 0.5
_LONGEST_WAIT_SECONDS: Final = 5.0
"""The first and the longest wait between two connections that could be opened but not used."""


class ListedDelayedDelivery(DelayedDelivery):
    """Celery's exchanges for delayed messages, declared on a working node.

    Celery declares them on each node of a list in turn, which takes ten seconds for a dead one, and consumes
    nothing meanwhile. The nodes are one cluster: a declaration on one is valid on all.
    """

    def _validate_broker_urls(self, broker_urls: Any) -> set[str]:
        return {";".join(super()._validate_broker_urls(broker_urls))}


class PatientConsumer(Consumer):
    """Waits before it reconnects: what a broker refuses, such as a queue's arguments, it refuses again."""

    class Blueprint(Consumer.Blueprint):
        """Celery's own steps, with one replaced."""

        default_steps: ClassVar = [
            ListedDelayedDelivery if step.endswith(":DelayedDelivery") else step
            for step in Consumer.Blueprint.default_steps
        ]

    _connected_at = 0.0
    _wait_seconds = _FIRST_WAIT_SECONDS

    def connect(self) -> Any:
        """Return a connection; wait for the broker without limit."""
        connection = super().connect()
        self._connected_at = time.monotonic()
        return connection

    def on_connection_error_after_connected(self, exc: Exception) -> None:
        """Discard the connection, and wait if it could not be used."""
        log.warning("Celery's consumer lost the broker; connecting again", extra={"error": explain(exc)})
        if self.connection is not None:
            blame(self.connection)
        super().on_connection_error_after_connected(exc)
        if time.monotonic() - self._connected_at > _LONGEST_WAIT_SECONDS:
            self._wait_seconds = _FIRST_WAIT_SECONDS
            return
        until = time.monotonic() + self._wait_seconds
        # Our own lost connection has our exclusive queue for commands, until RabbitMQ detects the loss.
        if not isinstance(exc, ResourceLocked):
            self._wait_seconds = min(self._wait_seconds * 2, _LONGEST_WAIT_SECONDS)
        while time.monotonic() < until:
            maybe_shutdown()
            time.sleep(0.1)
