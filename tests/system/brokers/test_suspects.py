"""Messages that end their workers are found and buried; those that only waited in one are not."""

import signal
from functools import partial

import orjson
import pytest
from kombu import Connection, Producer
from sqlalchemy import Engine

from tests.brokers import Broker
from tests.factories import load, make_body, make_event, make_ticket_class, rows, scalar
from tests.processes import Process, running_celery, wait_until
from tests.system.locks import locked
from willcall.messages import Message, task_message
from willcall.queues import ORDERS

_DEADLY = "Mortimer"
_ATTEMPTS = 2
_ENVIRONMENT = {"WILLCALL_MAX_ATTEMPTS": str(_ATTEMPTS), "WILLCALL_BATCH_SIZE": "50"}


def _message(*bodies: dict[str, object]) -> Message:
    content = orjson.dumps({"requests": [{"tenant": "demo", **body} for body in bodies]})
    return task_message("orders.create", content, queue=ORDERS, summary="…", requests=len(bodies))


def _innocents(count: int) -> list[Message]:
    return [_message(*(make_body() for _ in range(5))) for _ in range(count)]


def _count(engine: Engine, table: str) -> int:
    return int(scalar(engine, f"SELECT count(*) FROM {table}"))


def _is_drained(broker: Broker) -> bool:
    """Have a worker take what is there and end; say whether nothing is left, in its hand neither."""
    worker = broker.worker("orders,maintenance", "last", **_ENVIRONMENT)
    wait_until(lambda: broker.depth() == _held(broker) == 0, what="messages that are taken")
    assert worker.end() == 0
    return broker.depth() == _held(broker) == 0


def _let_the_visibility_timeout_pass(broker: Broker) -> None:
    """Make what a dead worker held as old as if it had been taken long ago. RabbitMQ needs no time."""
    if not broker.url.startswith("amqp"):
        with Connection(broker.url) as connection:
            client = connection.default_channel.client
            for tag in client.zrange("unacked_index", 0, -1):
                client.zadd("unacked_index", {tag: 1})


def _held(broker: Broker) -> int:
    """Return how many messages Redis knows as taken and not acknowledged."""
    if broker.url.startswith("amqp"):
        return 0
    with Connection(broker.url) as connection:
        return int(connection.default_channel.client.hlen("unacked"))


def _is_in_hand(broker: Broker, messages: int) -> bool:
    """Say whether a living worker has some of the messages, and no dead one has any."""
    if broker.url.startswith("amqp"):
        return broker.depth() < messages
    with Connection(broker.url) as connection:
        fresh = connection.default_channel.client.zcount("unacked_index", 2, "+inf")
    return bool(fresh > 0 and fresh + broker.depth() == messages)


def _most_redeliveries(broker: Broker) -> int:
    with Connection(broker.url) as connection:
        channel = connection.default_channel
        if broker.url.startswith("amqp"):
            return int(channel.basic_get(ORDERS).headers.get("x-delivery-count", 0))
        return max(map(int, channel.client.hvals("willcall.redelivered")), default=0)


def _end_waiting_sessions(engine: Engine) -> None:
    """End the sessions that wait for a lock, as a database does that is restarted."""
    waiting = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
    rows(engine, waiting)


def _has_ended_or_done_all(worker: Process, engine: Engine) -> bool:
    if worker.process.poll() is not None:
        return True
    return _count(engine, "orders") == 300 and _count(engine, "dead_letters") == 1


def _has_failed(worker: Process, engine: Engine, failures: int) -> bool:
    """Have the database fail once more, unless it has failed so often."""
    _end_waiting_sessions(engine)
    return worker.output().count("the database does not answer") >= failures


def test_a_message_that_ends_every_worker_is_buried_and_all_others_get_through(
    broker: Broker, engine: Engine
) -> None:
    load(engine, make_event(ticket_classes=[make_ticket_class(capacity=1_000_000)]))
    poison = make_body() | {
        "buyer": {"first_name": _DEADLY, "last_name": "Example", "email": "m@example.com"},
    }
    messages = [*_innocents(30), _message(poison), *_innocents(30)]
    broker.publisher().publish(messages)

    deaths = 0
    while _count(engine, "dead_letters") == 0:
        assert deaths < 10, "it ends one worker after the other"
        with running_celery(
            "worker",
            "--queues=orders,maintenance",
            "--without-mingle",
            "--without-gossip",
            environment=broker.environment | _ENVIRONMENT | {"DEADLY_BUYER": _DEADLY},
            log=broker.folder / "worker.log",
            app="tests.system.brokers.deadly_worker",
        ) as worker:
            wait_until(
                partial(_has_ended_or_done_all, worker, engine),
                what="a worker that ends, or all is done",
            )
            deaths += worker.process.poll() is not None
        _let_the_visibility_timeout_pass(broker)

    # What a worker had committed and not yet acknowledged when it died may still wait, and repeats itself.
    wait_until(lambda: _is_drained(broker), what="a queue without messages")

    # Twice among its neighbours, then alone for as often as a request is tried.
    assert deaths == 2 + _ATTEMPTS
    [(reason, message)] = rows(engine, "SELECT reason, message FROM dead_letters")
    assert reason == (f"each of its {_ATTEMPTS} attempts ended the worker before the message was processed")
    assert orjson.loads(bytes(message))[1]["requests"] == [{"tenant": "demo", **poison}]
    assert _count(engine, "orders") == _count(engine, "requests") == 300
    assert _count(engine, "suspects") == 0
    assert broker.depth() == _held(broker) == 0


def test_messages_whose_workers_are_killed_again_and_again_are_not_buried_for_that(
    broker: Broker, engine: Engine
) -> None:
    load(engine, make_event(ticket_classes=[make_ticket_class(capacity=1_000_000)]))
    broker.publisher().publish(_innocents(10))
    # The workers have the messages and cannot begin with them.
    with locked(engine, "requests", "suspects"):
        deaths = 0
        while _most_redeliveries(broker) <= 2 * _ATTEMPTS:
            assert deaths < 25
            worker = broker.worker("orders,maintenance", f"victim-{deaths}", **_ENVIRONMENT)
            wait_until(lambda: _is_in_hand(broker, 10), what="messages in a worker's hand")
            worker.end(signal.SIGKILL)
            deaths += 1
            _let_the_visibility_timeout_pass(broker)
            wait_until(lambda: broker.depth() + _held(broker) == 10, what="messages that came back")

    # Nor for a database that fails in the middle of it: no worker ended then.
    with locked(engine, "requests"):
        worker = broker.worker("orders,maintenance", "survivor", **_ENVIRONMENT, WILLCALL_LOG_LEVEL="DEBUG")
        for failures in range(1, _ATTEMPTS + 3):
            wait_until(
                partial(_has_failed, worker, engine, failures),
                what="more tries than a request has",
            )
    wait_until(lambda: _count(engine, "orders") == 50, what="all orders")
    wait_until(lambda: broker.depth() == _held(broker) == 0, what="acknowledged messages")
    assert worker.end() == 0
    assert _count(engine, "dead_letters") == _count(engine, "suspects") == 0
    assert _count(engine, "orders") == _count(engine, "requests") == 50


@pytest.mark.parametrize("broker", ["rabbitmq"], indirect=True)
def test_a_suspect_without_a_usable_id_is_processed_too(broker: Broker, engine: Engine) -> None:
    load(engine)
    ids = ["", "\x00", "\ud800", "".join(map(chr, range(256, 5_000)))]
    # Confirmed: what a connection sends last can be lost when it closes.
    with Connection(broker.url, transport_options={"confirm_publish": True}) as connection:
        producer = Producer(connection.default_channel)
        for id in ids:
            content = orjson.dumps([[], {"requests": [{"tenant": "demo", **make_body()}]}, {}])
            producer.publish(
                content,
                exchange=ORDERS,
                routing_key=ORDERS,
                content_type="application/json",
                content_encoding="utf-8",
                headers={"task": "orders.create", "id": id},
            )
    for _ in range(3):
        # Taken and given back: it counts as delivered.
        with Connection(broker.url) as connection:
            for _ in ids:
                wait_until(lambda: connection.default_channel.basic_get(ORDERS) is not None, what="a message")
    broker.worker()
    wait_until(lambda: _count(engine, "orders") == len(ids), what="all orders")
    assert _count(engine, "suspects") == _count(engine, "dead_letters") == 0
