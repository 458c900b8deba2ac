"""How many messages wait on queues, asked through a connection that nobody else uses."""

from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Final

from kombu import Connection

from worker.queues import is_amqp, transport_options
from worker.settings import Settings

_ANSWER_SECONDS: Final = 4.0


class QueueDepths:
    """Asks the broker; for one thread."""

    def __init__(self, settings: Settings) -> None:
        self._url = settings.broker()
        self._is_amqp = is_amqp(self._url)
        self._options = transport_options(settings, self._url)
        if not self._is_amqp:
            self._options["socket_timeout"] = _ANSWER_SECONDS
        self._connection: Connection | None = None

    def any_waits(self, names: Sequence[str]) -> bool:
        """Say whether a message waits on one of the queues; no, if the broker does not answer."""
        return any(self._waits(name) for name in names)

    def _waits(self, name: str) -> bool:
        try:
            channel = self._connect().default_channel
            return bool(channel.queue_declare(name, passive=True).message_count)
        except Exception:  # noqa: BLE001 - no such queue, no such broker: whose connection it is tells of it
            self._drop()
            return False

    def _connect(self) -> Connection:
        if self._connection is None:
            connection = Connection(self._url, transport_options=self._options, heartbeat=0)
            self._connection = connection
            if self._is_amqp:
                amqp: Any = connection.connection
                amqp.transport.sock.settimeout(_ANSWER_SECONDS)
        return self._connection

    def _drop(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(Exception):
                connection.release()
