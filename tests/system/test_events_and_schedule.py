"""Event messages on the exchange, the schedule, and what happens when a server is away."""

import json
from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import orjson
import pytest
from cloudevents.core.bindings.http import HTTPMessage, from_http_event
from kombu import Connection, Consumer, Producer, Queue
from sqlalchemy import Engine

from db.engine import make_engine
from db.migrate import upgrade
from db.sealing import secret_keys
from schemas.orders import Order
from tests.brokers import VALKEY, Broker
from tests.factories import load, make_body, make_event, make_request, make_ticket_class, rows, run, scalar
from tests.homes import temporary_home
from tests.processes import PATIENCE_SECONDS, Process, wait_until
from willcall.messages import task_message
from willcall.queues import EVENTS, ORDERS
from worker.runtime import embedded

_LAST = "application/x-last"


@contextmanager
def _listening(broker: Broker) -> Iterator[list[tuple[str, bytes]]]:
    """Bind a queue to the exchange of events; the block's end collects what has arrived."""
    heard: list[tuple[str, bytes]] = []
    with Connection(broker.url) as connection:
        channel = connection.default_channel
        queue = Queue("listener", EVENTS, "#", channel=channel, auto_delete=True, durable=False)
        queue.declare()
        try:
            yield heard
            # What was told before is in the queue before this.
            Producer(channel).publish(b"", routing_key=queue.name, content_type=_LAST)
            with Consumer(
                channel, [queue], no_ack=True, accept=["application/cloudevents+json", _LAST]
            ) as consumer:
                consumer.on_message = lambda message: heard.append(
                    (message.content_type, bytes(message.body, "utf-8"))
                    if isinstance(message.body, str)
                    else (message.content_type, bytes(message.body))
                )
                while not heard or heard[-1][0] != _LAST:
                    connection.drain_events(timeout=PATIENCE_SECONDS)
            heard.pop()
        finally:
            queue.delete()


def test_every_outcome_is_told_as_a_cloud_event_once(broker: Broker, engine: Engine) -> None:
    load(engine)
    with _listening(broker) as heard:
        outcomes = run(engine, make_request(quantity=2), make_request(ticket_class="none"), make_request())
        broker.worker("outbox", WILLCALL_SWEEP_SECONDS="1")
        broker.publisher().publish([task_message("outbox.relay", b"{}", queue="outbox", summary="")])
        wait_until(lambda: _unsent(engine) == 0, what="an empty outbox")
    assert {content_type for content_type, _ in heard} == {"application/cloudevents+json"}
    events = [from_http_event(HTTPMessage({"content-type": kind}, body)) for kind, body in heard]
    told = sorted((event.get_type(), str(event.get_subject())) for event in events)
    assert told == sorted(
        ("order.confirmed", str(outcome.order_id))
        if outcome.order_id
        else ("order.rejected", str(outcome.request_id))
        for outcome in outcomes
    )
    for event in events:
        assert event.get_extension("sequence") == 1
        data: Any = event.get_data()
        if event.get_type() == "order.confirmed":
            order = Order.model_validate(data, strict=False)
            assert all(ticket.code for ticket in order.tickets)


def _told(engine: Engine) -> int:
    return int(scalar(engine, "SELECT count(*) FROM event_messages"))


def _unsent(engine: Engine) -> int:
    return int(scalar(engine, "SELECT count(*) FROM outbox"))


def test_relays_keep_the_order_of_each_subject_however_many_run(broker: Broker, engine: Engine) -> None:
    load(engine)
    orders = 20
    run(engine, *(make_request() for _ in range(orders)))
    with engine.begin() as connection:
        connection.exec_driver_sql(
            "INSERT INTO event_messages SELECT subject, n, tenant_id, 'order.updated', '{}', created_at "
            "FROM event_messages, generate_series(2, 8) n"
        )
        connection.exec_driver_sql(
            "INSERT INTO outbox SELECT subject, sequence, created_at FROM event_messages WHERE sequence > 1"
        )
    with _listening(broker) as heard:
        broker.worker("outbox", name="first")
        broker.worker("outbox", name="second")
        wake = task_message("outbox.relay", b"{}", queue="outbox", summary="")
        broker.publisher().publish([wake] * 4)
        wait_until(lambda: _unsent(engine) == 0, what="an empty outbox")
    sequences = defaultdict(list)
    for _, body in heard:
        event = json.loads(body)
        sequences[event["subject"]].append(event["sequence"])
    assert len(sequences) == orders
    for subject, told in sequences.items():
        # At least once, and never one before its predecessor.
        assert sorted(set(told)) == list(range(1, 9)), subject
        assert [number for index, number in enumerate(told) if number not in told[:index]] == list(
            range(1, 9)
        )


def test_two_beats_tick_once(broker: Broker, engine: Engine) -> None:
    load(engine)
    often = {"WILLCALL_RECONCILE_SECONDS": "1"}
    broker.worker("outbox,maintenance", **often)
    beats = [broker.beat(name, **often) for name in ("first", "second")]
    wait_until(lambda: all(_sent(beat) >= 4 for beat in beats), what="four ticks of each beat")
    for beat in beats:
        assert beat.end() == 0
    wait_until(lambda: broker.depth("maintenance") == 0, what="all ticks handled")
    # A beat sends no tick twice, and may have been ended before it sent the last one.
    most = max(map(_sent, beats)) - 1
    wait_until(lambda: len(_ticks(engine)) >= most, what="every tick that a beat has sent")
    ticks = _ticks(engine)
    assert len(ticks) == len(set(ticks)), "a tick was claimed twice"
    assert len(ticks) < sum(map(_sent, beats)), "both beats sent some tick"


def _sent(beat: Process) -> int:
    return beat.output().count("Sending due task reconciliation.run")


def _ticks(engine: Engine) -> list[int]:
    return [tick for (tick,) in rows(engine, "SELECT tick FROM ticks WHERE task = 'reconciliation.run'")]


def test_beat_s_sweep_sends_what_no_wake_announced(broker: Broker, engine: Engine) -> None:
    load(engine)
    run(engine, make_request())
    broker.worker("outbox")
    broker.beat("beat", WILLCALL_SWEEP_SECONDS="1")
    wait_until(lambda: _unsent(engine) == 0, what="the sweep")


def test_the_worker_wakes_the_relay_after_each_batch(broker: Broker, engine: Engine) -> None:
    load(engine)
    broker.worker("orders,outbox")
    request = orjson.dumps({"requests": [{"tenant": "demo", **make_body()}]})
    broker.publisher().publish(
        [task_message("orders.create", request, queue=ORDERS, summary="…", requests=1)]
    )
    wait_until(lambda: _unsent(engine) == 0 and _told(engine) == 1, what="the event")


@pytest.mark.parametrize("broker", [VALKEY], indirect=True)
def test_a_batch_waits_for_the_database_and_is_processed_when_it_returns(
    broker: Broker,
) -> None:
    # A database of its own, so that it can be stopped.
    home = broker.stack.enter_context(temporary_home())
    # What this process seals there, the worker opens.
    environment = {
        "WILLCALL_DATABASE_URL": embedded.database_url(home),
        "WILLCALL_SECRET_KEY": secret_keys()[0].hex(),
    }
    request = orjson.dumps({"requests": [{"tenant": "demo", **make_body()}]})
    message = task_message("orders.create", request, queue=ORDERS, summary="…", requests=1)
    with ExitStack() as database:
        database.enter_context(embedded.running(home, valkey=False))
        engine = make_engine(embedded.database_url(home))
        upgrade(engine)
        load(engine, make_event(ticket_classes=[make_ticket_class()]))
        worker = broker.worker(**environment)
        broker.publisher().publish([message])
        wait_until(lambda: scalar(engine, "SELECT count(*) FROM orders") == 1, what="the first order")
        engine.dispose()
    other = orjson.dumps({"requests": [{"tenant": "demo", **make_body()}]})
    broker.publisher().publish(
        [task_message("orders.create", other, queue=ORDERS, summary="…", requests=1) for _ in range(3)]
    )
    wait_until(lambda: "the database does not answer" in worker.output(), what="a batch that waits")
    assert worker.process.poll() is None
    with embedded.running(home, valkey=False):
        wait_until(lambda: scalar(engine, "SELECT count(*) FROM orders") == 2, what="the second order")
        assert scalar(engine, "SELECT count(*) FROM dead_letters") == 0
        engine.dispose()
    worker.end()
