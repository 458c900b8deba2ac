"""The age of the oldest waiting messages, for `/metrics`: read where Redis or Valkey is the broker."""

from collections.abc import Iterable, Mapping

import redis
from kombu import Connection
from prometheus_client import Metric

from intake.monitoring.scraped import Scraped
from willcall.connections import blame, drop, open_connection
from willcall.queues import is_amqp, order_queues
from worker.broker.ages import show_ages
from worker.broker.redis.oldest import OldestMessages
from worker.runtime.settings import Settings

_PATIENCE_SECONDS = 2.0


class QueueMetrics(Scraped[Mapping[str, float] | None]):
    """One gauge by queue; without samples if the broker does not answer, and on RabbitMQ."""

    def __init__(self, settings: Settings) -> None:
        super().__init__()
        self._settings = settings
        self._url = settings.broker()
        self._oldest = OldestMessages()
        self._connection: Connection | None = None

    def show(self, found: Mapping[str, float] | None) -> Iterable[Metric]:
        yield show_ages(found)

    def read(self) -> Mapping[str, float] | None:
        if is_amqp(self._url):
            return None  # the workers show it
        connection, self._connection = self._connection, None
        try:
            connection = connection or open_connection(self._url, self._settings, seconds=_PATIENCE_SECONDS)
            found = self._oldest.read(connection, order_queues(self._url))
        except BaseException as error:
            if connection is not None:
                if isinstance(error, redis.RedisError | OSError):
                    blame(connection)
                drop(connection)
            raise
        # A reading that was abandoned may end after the next has begun.
        other, self._connection = self._connection, connection
        if other is not None:
            drop(other)
        return found

    def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            drop(connection)
