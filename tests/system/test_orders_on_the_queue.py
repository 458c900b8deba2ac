"""Orders through real brokers, real worker processes and a real database."""

import signal
import threading
from collections.abc import Sequence
from decimal import Decimal
from functools import partial
from typing import Any
from uuid import uuid4

import pytest
from celery import Celery
from sqlalchemy import Engine

from tests.brokers import Broker
from tests.factories import load, make_body, make_event, make_seated_class, make_ticket_class, rows, scalar
from tests.processes import wait_until
from tests.system.failover.bounds import ROUNDS
from tests.system.locks import locked, waits_for_a_lock
from tests.system.order_messages import count_rows, message_of, wait_for_rows


def _has_more_orders(engine: Engine, count: int) -> bool:
    return count_rows(engine, "orders") > count


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
    wait_for_rows(engine, 1, "orders")
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
    broker.publisher().publish([message_of(text)])
    wait_for_rows(engine, 1, "request_repeats")
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
    message = message_of(body)
    broker.publisher().publish([message, message])
    broker.worker()
    wait_until(lambda: broker.depth() == 0 and count_rows(engine, "orders") == 1, what="one order")
    broker.publisher().publish([message, message_of(make_body())])
    wait_for_rows(engine, 2)
    assert count_rows(engine, "orders") == 2


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
            publisher.publish([message_of(*part[:125]), message_of(*part[125:]), message_of(*reversed(part))])

    threads = [
        threading.Thread(target=produce, args=(bodies[number::producers],)) for number in range(producers)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    wait_for_rows(engine, buyers)
    wait_until(lambda: broker.depth() == 0, what="an empty queue")

    assert count_rows(engine, "requests") == buyers
    assert rows(engine, "SELECT external_id, sold FROM ticket_classes ORDER BY 1") == [
        ("stalls", 300),
        ("standing", 700),
    ]
    assert count_rows(engine, "tickets") == 1_000
    assert scalar(engine, "SELECT count(DISTINCT seat_id) FROM tickets") == 300
    assert scalar(engine, "SELECT count(*) FROM requests WHERE status = 'processed'") == count_rows(
        engine, "orders"
    )
    paid_for = scalar(engine, "SELECT sum(quantity) FROM order_lines")
    assert paid_for == 1_000
    assert scalar(engine, "SELECT sum(total) FROM orders") == 700 * 45.5 + 300 * 80
    assert scalar(engine, "SELECT count(*) FROM event_messages") == buyers
    assert count_rows(engine, "dead_letters") == 0


@pytest.mark.skipif(ROUNDS == 1, reason="of the long form: make faults")
def test_a_worker_killed_at_any_moment_loses_no_order(broker: Broker, engine: Engine) -> None:
    load(engine, make_event(ticket_classes=[make_ticket_class(capacity=1_000_000)]))
    sent = 0
    for round_ in range(4):
        worker = broker.worker(name=f"victim-{round_}", WILLCALL_BATCH_SIZE="50")
        publisher = broker.publisher()
        before = count_rows(engine, "orders")
        for _ in range(20):
            publisher.publish([message_of(*(make_body() for _ in range(10))) for _ in range(5)])
            sent += 50
        wait_until(partial(_has_more_orders, engine, before), what="a first commit")
        worker.end(signal.SIGKILL)
    broker.worker(name="survivor", queues="orders,maintenance", WILLCALL_VISIBILITY_TIMEOUT_SECONDS="5")
    wait_for_rows(engine, sent, "orders")
    assert count_rows(engine, "orders") == count_rows(engine, "requests") == sent


def test_a_worker_that_is_told_to_stop_finishes_its_batch_and_returns_the_rest_at_once(
    broker: Broker, engine: Engine
) -> None:
    load(engine, make_event(ticket_classes=[make_ticket_class(capacity=1_000_000)]))
    # Nothing comes back because its time is up: what is on the queue again was returned.
    worker = broker.worker(WILLCALL_BATCH_SIZE="10", WILLCALL_VISIBILITY_TIMEOUT_SECONDS="3600")
    publisher = broker.publisher()
    publisher.publish([message_of(*(make_body() for _ in range(10))) for _ in range(5)])
    wait_for_rows(engine, 50, "orders")
    # However fast it is, it cannot end its next batch before it was told to stop.
    with locked(engine, "requests"):
        publisher.publish([message_of(*(make_body() for _ in range(10))) for _ in range(300)])
        wait_until(lambda: waits_for_a_lock(engine), what="a worker in the middle of a batch")
        worker.process.send_signal(signal.SIGTERM)
        wait_until(lambda: "stopping after the current batch" in worker.output(), what="a worker that stops")
    assert worker.end() == 0
    assert count_rows(engine, "orders") == 60
    wait_until(lambda: broker.depth() == 299, what="all others on the queue")
