"""A database that cannot take work: nobody is blamed for it, and nothing is lost."""

import time
from collections.abc import Iterator
from typing import Final

import orjson
import pytest
from celery import Celery
from sqlalchemy import Engine, text

from tasks.breaker import REPORT_TROUBLE
from tasks.maintenance import retry
from tasks.messages import QueueMessage
from tasks.orders import process_messages
from tasks.transactions import DatabaseUnavailable
from tests.brokers import Broker
from tests.factories import load, make_body, make_event, make_ticket_class, scalar
from tests.poison import cure_orders, poison_orders
from tests.processes import wait_until
from tests.rabbitmq import RabbitMQ
from tests.troubles import TROUBLES
from willcall.messages import Message, task_message
from willcall.queues import ORDERS

_RESUMES_SECONDS: Final = 10.0


def _message(*bodies: dict[str, object]) -> QueueMessage:
    content = orjson.dumps([[], {"requests": [{"tenant": "demo", **body} for body in bodies]}, {}])
    return QueueMessage("orders.create", "m", content)


def _count(engine: Engine, table: str) -> int:
    return int(scalar(engine, f"SELECT count(*) FROM {table}"))


@pytest.mark.parametrize("name", TROUBLES)
def test_a_batch_waits_as_it_is(engine: Engine, name: str) -> None:
    load(engine)
    message = _message(*(make_body() for _ in range(20)))
    with TROUBLES[name](engine), pytest.raises(DatabaseUnavailable):
        process_messages([message])
    assert (_count(engine, "delayed_requests"), _count(engine, "dead_letters")) == (0, 0)
    assert process_messages([message]).count == 20
    assert _count(engine, "orders") == 20


@pytest.mark.parametrize("name", TROUBLES)
def test_a_retry_is_not_counted(engine: Engine, name: str) -> None:
    load(engine)
    poison_orders(engine, before="INSERT")
    try:
        process_messages([_message(make_body(reference="poison"))])
    finally:
        cure_orders(engine)
    with engine.begin() as connection:
        connection.execute(text("UPDATE delayed_requests SET next_attempt_at = now() - interval '1 s'"))
    with TROUBLES[name](engine):
        for _ in range(10):  # more often than any request is tried
            retry()
    if _count(engine, "orders") == 0:
        assert retry() == 1
    assert (_count(engine, "orders"), _count(engine, "dead_letters")) == (1, 0)


def test_a_request_that_fails_where_the_database_is_well_is_still_blamed(engine: Engine) -> None:
    load(engine)
    poison_orders(engine, before="INSERT")
    try:
        report = process_messages([_message(make_body(reference="poison"), make_body())])
    finally:
        cure_orders(engine)
    assert (report.count, report.delayed) == (1, 1)


def _publish(broker: Broker, count: int) -> None:
    """Have a thousand orders accepted: in messages of one and of twenty."""
    messages: list[Message] = []
    while count:
        size = min(count, 20 if len(messages) % 2 else 1)
        content = orjson.dumps({"requests": [{"tenant": "demo", **make_body()} for _ in range(size)]})
        messages.append(task_message("orders.create", content, queue=ORDERS, summary="…", requests=size))
        count -= size
    broker.publisher().publish(messages)


@pytest.fixture
def strict_broker(broker: Broker, request: pytest.FixtureRequest) -> Iterator[Broker]:
    """A broker; RabbitMQ drops what came back twice, as version 4 does with what came back twenty times."""
    if not broker.url.startswith("amqp"):
        yield broker
        return
    server: RabbitMQ = request.getfixturevalue("rabbitmq")
    server.ctl("set_policy", "--apply-to", "queues", "strict", "^orders$", '{"delivery-limit": 2}')
    yield broker
    server.ctl("clear_policy", "strict")


@pytest.mark.parametrize("name", ["read only", "full disk", "column missing"])
def test_a_thousand_orders_outlast_a_database_that_cannot_take_them(
    strict_broker: Broker, engine: Engine, name: str
) -> None:
    load(engine, make_event(ticket_classes=[make_ticket_class(capacity=10_000)]))
    worker = strict_broker.worker("orders,maintenance")
    with TROUBLES[name](engine):
        _publish(strict_broker, 1_000)
        wait_until(lambda: "cannot take work" in worker.output(), what="the worker says what is wrong")
        time.sleep(5)  # time to lose some: several tries, and more returns than the broker allows
        assert _count(engine, "orders") == 0
    started = time.monotonic()
    wait_until(lambda: _count(engine, "orders") > 0, what="the first order after it")
    assert time.monotonic() - started < _RESUMES_SECONDS
    wait_until(lambda: _count(engine, "orders") == 1_000, what="all orders")
    assert (_count(engine, "delayed_requests"), _count(engine, "dead_letters")) == (0, 0)
    wait_until(lambda: "takes work again" in worker.output(), what="the worker says that it is over")
    assert worker.end() == 0


def _told_trouble(app: Celery) -> str:
    answers = app.control.broadcast(REPORT_TROUBLE, reply=True, timeout=1) or []
    return str([answer for one in answers for answer in one.values()])


def test_a_worker_waits_for_its_schema_and_says_so(strict_broker: Broker, engine: Engine) -> None:
    load(engine)
    with TROUBLES["column missing"](engine):
        worker = strict_broker.worker()
        _publish(strict_broker, 10)
        wait_until(lambda: "orders.buyer_email" in worker.output(), what="the worker names the column")
        assert strict_broker.depth() >= 2, "nothing is taken"
        with Celery(broker=strict_broker.url) as app:
            wait_until(lambda: "orders.buyer_email" in _told_trouble(app), what="the worker answers why")
    wait_until(lambda: _count(engine, "orders") == 10, what="all orders")
