"""The page of the broker: our queues and what waits in them, the same way on RabbitMQ and on Redis."""

from typing import Any, Final

from flower.views import BaseHandler
from tornado.web import HTTPError, authenticated

from willcall.connections import open_connection
from willcall.queues import DEAD_QUEUE, ORDERS, is_amqp, queues
from worker.broker.depths import Depth, depth_of, depth_of_orders
from worker.runtime.settings import Settings

_PATIENCE_SECONDS: Final = 5.0


def broker_name(url: str) -> str:
    """Return the broker's name, without its address."""
    return "RabbitMQ" if is_amqp(url) else "Redis or Valkey"


def queue_rows(settings: Settings) -> list[dict[str, Any]]:
    """Return our queues in the format of RabbitMQ's management API, which Flower's template expects."""
    url = settings.broker()
    others = [queue.name for queue in queues(url) if queue.name != ORDERS]
    names = others + ([DEAD_QUEUE.name] if is_amqp(url) else [])
    with open_connection(url, settings, seconds=_PATIENCE_SECONDS) as connection:
        orders = depth_of_orders(connection)
        consumers = depth_of(connection, ORDERS).consumers  # who takes one share takes all
        depths = [depth_of(connection, name) for name in names]
    shown = [(name, Depth(waiting, consumers)) for name, waiting in orders.items()]
    return [
        {"name": name, "messages_ready": depth.waiting, "consumers": depth.consumers}
        for name, depth in shown + list(zip(names, depths, strict=True))
    ]


class BrokerPage(BaseHandler):
    """Flower's own page asks RabbitMQ's management API, which may not be there, and knows a login for it."""

    def initialize(self, settings: Settings) -> None:
        """Take what `add_handlers` passes."""
        self._settings = settings

    @authenticated
    async def get(self) -> None:
        """Show the queues, or say that the broker does not answer."""
        try:
            rows = await self.application.io_loop.run_in_executor(None, queue_rows, self._settings)
        except Exception as error:
            # Any error's text may hold the broker's address.
            raise HTTPError(503, "the broker does not answer; `willcall doctor` says why") from error
        self.render("broker.html", broker_url=broker_name(self._settings.broker()), queues=rows)
