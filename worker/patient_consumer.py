"""Celery's own consumer, which also waits between attempts that fail at once, and explains errors."""

import logging
import time
from typing import Any, ClassVar, Final

from amqp.exceptions import ResourceLocked
from celery.worker.consumer import Consumer
from celery.worker.consumer.delayed_delivery import DelayedDelivery
from celery.worker.state import maybe_shutdown

from worker.broker.connections import blame
from worker.broker.faults import explain

log = logging.getLogger(__name__)

_FIRST_WAIT_SECONDS: Final = 0.5
_LONGEST_WAIT_SECONDS: Final = 5.0
"""Between two connections that the broker let us open and did not let us use."""


class ListedDelayedDelivery(DelayedDelivery):
    """Celery's exchanges for delayed messages, declared on the node that works.

    Celery declares them on each node of a list in turn, and takes nothing meanwhile: ten seconds for a dead
    one. The nodes are one cluster, and what one has all have.
    """

    def _validate_broker_urls(self, broker_urls: Any) -> set[str]:
        return {";".join(super()._validate_broker_urls(broker_urls))}


class PatientConsumer(Consumer):
    """What a broker refuses, such as a queue with other arguments, it refuses again a moment later."""

    class Blueprint(Consumer.Blueprint):
        """Celery's own steps, but for one."""

        default_steps: ClassVar = [
            ListedDelayedDelivery if step.endswith(":DelayedDelivery") else step
            for step in Consumer.Blueprint.default_steps
        ]

    _connected_at = 0.0
    _wait_seconds = _FIRST_WAIT_SECONDS

    def connect(self) -> Any:
        """Return a connection; wait for the broker as long as it takes."""
        connection = super().connect()
        self._connected_at = time.monotonic()
        return connection

    def on_connection_error_after_connected(self, exc: Exception) -> None:
        """Let go of the connection, and wait if it was of no use."""
        log.warning("Celery's consumer lost the broker; connecting again", extra={"error": explain(exc)})
        if self.connection is not None:
            blame(self.connection)
        super().on_connection_error_after_connected(exc)
        if time.monotonic() - self._connected_at > _LONGEST_WAIT_SECONDS:
            self._wait_seconds = _FIRST_WAIT_SECONDS
            return
        until = time.monotonic() + self._wait_seconds
        # Our own lost connection has our queue for commands, until RabbitMQ notices.
        if not isinstance(exc, ResourceLocked):
            self._wait_seconds = min(self._wait_seconds * 2, _LONGEST_WAIT_SECONDS)
        while time.monotonic() < until:
            maybe_shutdown()
            time.sleep(0.1)
