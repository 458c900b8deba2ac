"""A worker that takes orders, and whether it goes on."""

from collections.abc import Sequence
from contextlib import suppress

import orjson
from sqlalchemy import Engine

from tests.brokers import Broker
from tests.factories import load, make_body, make_event, make_ticket_class, scalar
from tests.processes import Process, wait_until
from willcall.messages import Message, task_message
from willcall.publishing import NotConfirmed
from willcall.queues import ORDERS


def orders(engine: Engine) -> int:
    return int(scalar(engine, "SELECT count(*) FROM orders"))


def message(*, in_share: bool = False) -> Message:
    content = orjson.dumps({"requests": [{"tenant": "demo", **make_body()}]})
    tenant = "demo" if in_share else None
    return task_message("orders.create", content, queue=ORDERS, summary="…", requests=1, tenant=tenant)


def publish(broker: Broker, messages: Sequence[Message]) -> None:
    """Publish until it is confirmed: a publisher too may have lost its queue."""

    def is_confirmed() -> bool:
        with suppress(NotConfirmed):
            broker.publisher().publish(messages)
            return True
        return False

    wait_until(is_confirmed, what="the broker to confirm")


def takes(broker: Broker, engine: Engine, count: int = 25) -> None:
    """Publish orders, to the queue and to a share, and wait until all of them are there."""
    before = orders(engine)
    publish(broker, [message(in_share=index % 2 == 1) for index in range(count)])
    wait_until(lambda: orders(engine) >= before + count, what=f"{count} orders more")


def load_plenty(engine: Engine) -> None:
    load(engine, make_event(ticket_classes=[make_ticket_class(capacity=100_000)]))


def started(broker: Broker, engine: Engine) -> Process:
    """Return a worker that has taken orders, and an empty queue."""
    load_plenty(engine)
    worker = broker.worker()
    takes(broker, engine)
    wait_until(lambda: broker.depth() == 0, what="an empty queue")
    return worker
