"""Orders through real brokers, real worker processes and a real database."""

import signal
import threading
from collections.abc import Sequence
from decimal import Decimal
from functools import partial
from typing import Any
from uuid import uuid4

import orjson
import pytest
from celery import Celery
from kombu import Connection, Exchange, Producer
from sqlalchemy import Engine

from tests.brokers import Broker
from tests.factories import load, make_body, make_event, make_seated_class, make_ticket_class, rows, scalar
from tests.processes import wait_until
from tests.system.failover.bounds import ROUNDS
from tests.system.locks import locked, waits_for_a_lock
from willcall.messages import Message, task_message
from willcall.queues import DEAD_QUEUE, ORDERS


def _message(*bodies: Any, tenant: str = "demo") -> Message:
    requests = [{"tenant": tenant, **body} if isinstance(body, dict) else body for body in bodies]
    return task_message(
        "orders.create",
        orjson.dumps({"requests": requests}),
        queue=ORDERS,
        summary="…",
        requests=len(requests),
    )


def _count(engine: Engine, table: str) -> int:
    return int(scalar(engine, f"SELECT count(*) FROM {table}"))


def _has_more_orders(engine: Engine, count: int) -> bool:
    return _count(engine, "orders") > count


def _wait_for(engine: Engine, count: int, table: str = "requests") -> None:
    wait_until(lambda: _count(engine, table) >= count, what=f"{count} {table}")


def test_any_celery_client_is_a_producer(broker: Broker, engine: Engine) -> None:
    load(engine)
    broker.worker()
    client = Celery(broker=broker.url)
    client.conf.task_create_missing_queue_type = "quorum" if broker.url.startswith("amqp") else "classic"
    with client.connection_for_write() as connection:
        client.send_task(
            "orders.create",
            kwargs={"requests": [{"tenant": "demo", **make_body()}]},
            queue="orders",
            connection=connection,
        )
    _wait_for(engine, 1, "orders")
    wait_until(lambda: broker.depth() == 0, what="the message to be acknowledged")


def test_ids_and_amounts_of_a_celery_client_need_not_be_text(broker: Broker, engine: Engine) -> None:
    load(engine)
    broker.worker()
    key, request_id = uuid4(), uuid4()
    body = make_body(idempotency_key=key, shipping=Decimal("5.00"), reference=b"PO-1")
    client = Celery(broker=broker.url)
    client.conf.task_create_missing_queue_type = "quorum" if broker.url.startswith("amqp") else "classic"
    with client.connection_for_write() as connection:
        client.send_task(
            "orders.create",
            kwargs={"requests": [{"tenant": "demo", "request_id": request_id, **body}]},
            queue="orders",
            connection=connection,
        )
    text = body | {"idempotency_key": str(key), "shipping": "5.00", "reference": "PO-1"}
    broker.publisher().publish([_message(text)])
    _wait_for(engine, 1, "request_repeats")
    assert rows(engine, "SELECT id, idempotency_key, status FROM requests") == [
        (request_id, str(key), "processed")
    ]
    assert rows(engine, "SELECT shipping, reference FROM orders") == [(Decimal("5.00"), "PO-1")]


def test_a_message_delivered_again_makes_no_second_order_even_without_ids(
    broker: Broker, engine: Engine
) -> None:
    load(engine)
    body = make_body()
    del body["idempotency_key"]
    message = _message(body)
    broker.publisher().publish([message, message])
    broker.worker()
    wait_until(lambda: broker.depth() == 0 and _count(engine, "orders") == 1, what="one order")
    broker.publisher().publish([message, _message(make_body())])
    _wait_for(engine, 2)
    assert _count(engine, "orders") == 2


def _raw(
    broker: Broker, body: bytes, headers: dict[str, Any], content_type: str = "application/json"
) -> None:
    with Connection(broker.url, transport_options={"confirm_publish": True}) as connection:
        Producer(connection.default_channel).publish(
            body,
            exchange=Exchange(ORDERS, type="direct"),
            routing_key=ORDERS,
            content_type=content_type,
            content_encoding="utf-8",
            headers=headers,
        )


def _kwargs(value: bytes) -> bytes:
    return b"[[], " + value + b", {}]"


_HEADERS = {"task": "orders.create", "id": "7d3f", "lang": "py"}


_NO_REQUESTS = [
    (b"no JSON at all", _HEADERS, "is not JSON"),
    (b"\xff\xfe\x00", _HEADERS, "is not JSON"),
    (b"[" * 100_000, _HEADERS, "is not JSON"),
    (b'{"requests": []}', _HEADERS, "not the body of a Celery message"),
    (_kwargs(b"{}"), _HEADERS, "is not a list"),
    (_kwargs(b'{"requests": []}'), _HEADERS, "0 requests in a message"),
    (_kwargs(b'{"requests": [' + b",".join([b"{}"] * 501) + b"]}"), _HEADERS, "501 requests"),
    (_kwargs(b'{"requests": [7]}'), _HEADERS, "is not an object"),
    (_kwargs(b'{"requests": [{}]}'), _HEADERS, "it names no tenant"),
    (_kwargs(b'{"requests": [{"tenant": "nobody"}]}'), _HEADERS, "there is no tenant nobody"),
    (_kwargs(b'{"requests": [' + b"[" * 900 + b"]" * 900 + b"]}"), _HEADERS, "is not an object"),
    (_kwargs(b'{"requests": [{"deep": ' + b"[" * 900 + b"]" * 900 + b"}]}"), _HEADERS, "it names no tenant"),
    (_kwargs(b'{"requests": [{}]}'), {"task": "orders.fold", "id": "1"}, "no task 'orders.fold'"),
    (_kwargs(b'{"requests": [{}]}'), {}, "no task ''"),
]


def test_messages_that_hold_no_request_are_dead_letters_and_the_next_order_goes_through(
    broker: Broker, engine: Engine
) -> None:
    load(engine)
    for body, headers, _ in _NO_REQUESTS:
        _raw(broker, body, headers)
    broker.publisher().publish([_message(make_body())])
    broker.worker()
    _wait_for(engine, 1, "orders")
    _wait_for(engine, len(_NO_REQUESTS), "dead_letters")
    wait_until(lambda: broker.depth() == 0, what="an empty queue")
    found = [reason for (reason,) in rows(engine, "SELECT reason FROM dead_letters")]
    for _, _, expected in _NO_REQUESTS:
        assert any(expected in reason for reason in found), (expected, found)
    assert len(found) == len(_NO_REQUESTS)


def test_an_unstorable_name_is_rejected_and_not_a_dead_letter(broker: Broker, engine: Engine) -> None:
    load(engine)
    surrogate = b'{"tenant": "demo", "idempotency_key": "bad", "line_items": [], "reference": "\\ud800"}'
    good = orjson.dumps({"tenant": "demo", **make_body()})
    _raw(broker, _kwargs(b'{"requests": [' + surrogate + b", " + good + b"]}"), _HEADERS)
    broker.worker()
    _wait_for(engine, 2)
    assert rows(engine, "SELECT status, count(*) FROM requests GROUP BY 1 ORDER BY 1") == [
        ("processed", 1),
        ("rejected", 1),
    ]
    assert _count(engine, "dead_letters") == 0


@pytest.mark.parametrize("broker", ["valkey"], indirect=True)
def test_what_kombu_never_wrote_is_a_dead_letter_too(broker: Broker, engine: Engine) -> None:
    load(engine)
    with Connection(broker.url) as connection:
        client = connection.default_channel.client
        client.lpush(ORDERS, b"\x00garbage\xff", b'{"valid": "json"}', b"[]")
    broker.publisher().publish([_message(make_body())])
    broker.worker()
    _wait_for(engine, 1, "orders")
    _wait_for(engine, 3, "dead_letters")
    assert bytes(scalar(engine, "SELECT message FROM dead_letters ORDER BY id")) == b"\x00garbage\xff"


@pytest.mark.parametrize("broker", ["valkey"], indirect=True)
def test_what_only_valkey_can_read_is_a_dead_letter_too(broker: Broker, engine: Engine) -> None:
    load(engine)
    info = b'"delivery_tag": "%d", "delivery_info": {"exchange": "orders", "routing_key": "orders"}'
    broken = [
        b'{"body": "\xff", "headers": {}, ',
        b'{"body": "x", "headers": [1], ',
        b'{"body": "x", "headers": "h", ',
        b'{"body": "x", "headers": {"number": NaN}, ',
    ]
    with Connection(broker.url) as connection:
        client = connection.default_channel.client
        client.lpush(
            ORDERS,
            *(start + b'"properties": {' + info % number + b"}}" for number, start in enumerate(broken)),
        )
    broker.publisher().publish([_message(make_body())])
    broker.worker()
    _wait_for(engine, 1, "orders")
    _wait_for(engine, len(broken), "dead_letters")
    with Connection(broker.url) as connection:
        client = connection.default_channel.client
        wait_until(lambda: client.exists("unacked", "unacked_index", ORDERS) == 0, what="all acknowledged")


def test_ten_thousand_buyers_for_a_thousand_tickets(broker: Broker, engine: Engine) -> None:
    """Eight producers send every request twice, to two workers, and nothing is lost, doubled or oversold."""
    buyers, producers = 10_000, 8
    classes = [make_ticket_class(capacity=700), make_seated_class(seats="1-300")]
    load(engine, make_event(ticket_classes=classes))
    bodies = [
        make_body("stalls" if number % 3 == 0 else "standing", quantity=1 + number % 2)
        for number in range(buyers)
    ]
    broker.worker(name="one")
    broker.worker(name="two")

    def produce(share: Sequence[dict[str, Any]]) -> None:
        publisher = broker.publisher()
        for start in range(0, len(share), 250):
            part = share[start : start + 250]
            publisher.publish([_message(*part[:125]), _message(*part[125:]), _message(*reversed(part))])

    threads = [
        threading.Thread(target=produce, args=(bodies[number::producers],)) for number in range(producers)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    _wait_for(engine, buyers)
    wait_until(lambda: broker.depth() == 0, what="an empty queue")

    assert _count(engine, "requests") == buyers
    assert rows(engine, "SELECT external_id, sold FROM ticket_classes ORDER BY 1") == [
        ("stalls", 300),
        ("standing", 700),
    ]
    assert _count(engine, "tickets") == 1_000
    assert scalar(engine, "SELECT count(DISTINCT seat_id) FROM tickets") == 300
    assert scalar(engine, "SELECT count(*) FROM requests WHERE status = 'processed'") == _count(
        engine, "orders"
    )
    paid_for = scalar(engine, "SELECT sum(quantity) FROM order_lines")
    assert paid_for == 1_000
    assert scalar(engine, "SELECT sum(total) FROM orders") == 700 * 45.5 + 300 * 80
    assert scalar(engine, "SELECT count(*) FROM event_messages") == buyers
    assert _count(engine, "dead_letters") == 0


@pytest.mark.skipif(ROUNDS == 1, reason="of the long form: make faults")
def test_a_worker_killed_at_any_moment_loses_no_order(broker: Broker, engine: Engine) -> None:
    load(engine, make_event(ticket_classes=[make_ticket_class(capacity=1_000_000)]))
    sent = 0
    for round_ in range(4):
        worker = broker.worker(name=f"victim-{round_}", WILLCALL_BATCH_SIZE="50")
        publisher = broker.publisher()
        before = _count(engine, "orders")
        for _ in range(20):
            publisher.publish([_message(*(make_body() for _ in range(10))) for _ in range(5)])
            sent += 50
        wait_until(partial(_has_more_orders, engine, before), what="a first commit")
        worker.end(signal.SIGKILL)
    broker.worker(name="survivor", queues="orders,maintenance", WILLCALL_VISIBILITY_TIMEOUT_SECONDS="5")
    _wait_for(engine, sent, "orders")
    assert _count(engine, "orders") == _count(engine, "requests") == sent


def test_a_worker_that_is_told_to_stop_finishes_its_batch_and_returns_the_rest_at_once(
    broker: Broker, engine: Engine
) -> None:
    load(engine, make_event(ticket_classes=[make_ticket_class(capacity=1_000_000)]))
    # Nothing comes back because its time is up: what is on the queue again was returned.
    worker = broker.worker(WILLCALL_BATCH_SIZE="10", WILLCALL_VISIBILITY_TIMEOUT_SECONDS="3600")
    publisher = broker.publisher()
    publisher.publish([_message(*(make_body() for _ in range(10))) for _ in range(5)])
    _wait_for(engine, 50, "orders")
    # However fast it is, it cannot end its next batch before it was told to stop.
    with locked(engine, "requests"):
        publisher.publish([_message(*(make_body() for _ in range(10))) for _ in range(300)])
        wait_until(lambda: waits_for_a_lock(engine), what="a worker in the middle of a batch")
        worker.process.send_signal(signal.SIGTERM)
        wait_until(lambda: "stopping after the current batch" in worker.output(), what="a worker that stops")
    assert worker.end() == 0
    assert _count(engine, "orders") == 60
    wait_until(lambda: broker.depth() == 299, what="all others on the queue")


@pytest.mark.parametrize("broker", ["rabbitmq"], indirect=True)
def test_what_the_broker_gave_up_is_a_dead_letter(broker: Broker, engine: Engine) -> None:
    broker.worker()
    with Connection(broker.url, transport_options={"confirm_publish": True}) as connection:
        channel = connection.default_channel
        DEAD_QUEUE(channel).declare()
        Producer(channel).publish(
            b"[]",
            exchange="willcall.dead",
            routing_key=DEAD_QUEUE.name,
            content_type="application/json",
            content_encoding="utf-8",
            headers=_HEADERS | {"x-death": [{"reason": "delivery_limit"}]},
        )
    _wait_for(engine, 1, "dead_letters")
    assert "delivery_limit" in scalar(engine, "SELECT reason FROM dead_letters")
