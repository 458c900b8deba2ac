"""What holds no request becomes a dead letter, and the orders behind it go through."""

from typing import Any

import orjson
import pytest
from kombu import Connection, Exchange, Producer
from sqlalchemy import Engine

from tests.brokers import Broker
from tests.factories import load, make_body, rows, scalar
from tests.processes import wait_until
from tests.system.order_messages import count_rows, message_of, wait_for_rows
from willcall.queues import DEAD_QUEUE, ORDERS


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
    broker.publisher().publish([message_of(make_body())])
    broker.worker()
    wait_for_rows(engine, 1, "orders")
    wait_for_rows(engine, len(_NO_REQUESTS), "dead_letters")
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
    wait_for_rows(engine, 2)
    assert rows(engine, "SELECT status, count(*) FROM requests GROUP BY 1 ORDER BY 1") == [
        ("processed", 1),
        ("rejected", 1),
    ]
    assert count_rows(engine, "dead_letters") == 0


@pytest.mark.parametrize("broker", ["valkey"], indirect=True)
def test_what_kombu_never_wrote_is_a_dead_letter_too(broker: Broker, engine: Engine) -> None:
    load(engine)
    with Connection(broker.url) as connection:
        client = connection.default_channel.client
        client.lpush(ORDERS, b"\x00garbage\xff", b'{"valid": "json"}', b"[]")
    broker.publisher().publish([message_of(make_body())])
    broker.worker()
    wait_for_rows(engine, 1, "orders")
    wait_for_rows(engine, 3, "dead_letters")
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
    broker.publisher().publish([message_of(make_body())])
    broker.worker()
    wait_for_rows(engine, 1, "orders")
    wait_for_rows(engine, len(broken), "dead_letters")
    with Connection(broker.url) as connection:
        client = connection.default_channel.client
        wait_until(lambda: client.exists("unacked", "unacked_index", ORDERS) == 0, what="all acknowledged")


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
    wait_for_rows(engine, 1, "dead_letters")
    assert "delivery_limit" in scalar(engine, "SELECT reason FROM dead_letters")
