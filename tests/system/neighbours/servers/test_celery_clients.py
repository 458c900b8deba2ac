"""What an ordinary Celery client can say works or is refused aloud, with real clients and both brokers."""

import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import orjson
import pytest
from celery import Celery, signature
from kombu import Connection, compression
from sqlalchemy import Engine

from orders.recovery.dead_letters import list_dead_letters
from tests.brokers import RABBITMQ, Broker
from tests.factories import load, make_body, make_event, make_ticket_class, rows
from tests.processes import wait_until
from tests.rabbitmq import RabbitMQ

PROCESSED = "processed"
_LATER = timedelta(seconds=3)


@dataclass
class Message:
    """What a client sends, and what is to become of it: `processed`, a refused field, or a dead letter."""

    expected: str
    options: dict[str, Any] = field(default_factory=dict)
    config: dict[str, Any] = field(default_factory=dict)
    body: dict[str, Any] = field(default_factory=dict)
    wrap: Callable[[list[Any]], dict[str, Any]] = lambda requests: {"kwargs": {"requests": requests}}
    id: UUID = field(default_factory=uuid4)

    def send(self, broker: Broker) -> None:
        client = Celery(broker=broker.url)
        client.conf.task_create_missing_queue_type = "quorum" if broker.url.startswith("amqp") else "classic"
        client.conf.update(self.config)
        request = {"tenant": "demo", "request_id": str(self.id), **make_body(), **self.body}
        with client.connection_for_write() as connection:
            client.send_task(
                "orders.create", queue="orders", connection=connection, **self.wrap([request]), **self.options
            )


def _now() -> datetime:
    return datetime.now(UTC)


_TASK = signature("anything.else", args=(1,))


def _messages() -> dict[str, Message]:
    compression.register(lambda body: body, lambda body: body, "application/x-brotli", aliases=["brotli"])
    return {
        "nothing": Message(PROCESSED),
        **{f"priority {one}": Message(PROCESSED, {"priority": one}) for one in range(10)},
        "steps of priorities": Message(
            PROCESSED,
            {"priority": 7},
            {
                "broker_transport_options": {
                    "priority_steps": list(range(10)),
                    "queue_order_strategy": "sorted",
                }
            },
        ),
        **{
            name: Message(PROCESSED, {"compression": name})
            for name in ("zlib", "gzip", "bzip2", "bzip", "lzma", "xz")
        },
        "compression for all": Message(PROCESSED, config={"task_compression": "gzip"}),
        "another compression": Message("the compression 'application/x-brotli'", {"compression": "brotli"}),
        **{
            f"a bomb of {name}": Message(
                "more than 4194304 bytes", {"compression": name}, body={"reference": "0" * 10_000_000}
            )
            for name in ("zlib", "bzip2", "lzma")
        },
        "expires later": Message(PROCESSED, {"expires": 3_600}),
        "expires later, as a time": Message(PROCESSED, {"expires": _now() + timedelta(hours=1)}),
        "a past eta": Message(PROCESSED, {"eta": _now() - timedelta(days=400)}),
        "a past eta without a zone": Message(PROCESSED, {"eta": datetime(2020, 1, 1)}),  # noqa: DTZ001
        "countdown": Message("later", {"countdown": _LATER.total_seconds()}),
        "eta": Message("later", {"eta": _now() + _LATER}),
        "eta elsewhere": Message("later", {"eta": (_now() + _LATER).astimezone(ZoneInfo("Asia/Kathmandu"))}),
        "eta without a zone": Message("later", {"eta": (_now() + _LATER).replace(tzinfo=None)}),
        "eta in another client's zone": Message(
            "later", {"countdown": 3}, {"timezone": "America/New_York", "enable_utc": False}
        ),
        "an eta that expires before": Message("expires", {"eta": _now() + _LATER, "expires": 1}),
        "a wrong eta": Message("eta", {"eta": "tomorrow"}),
        "a far eta": Message("eta", {"countdown": 2 * 86_400}),
        "a far eta in words": Message("eta", {"eta": "9999-12-31T23:59:59-12:00"}),
        "link": Message("link", {"link": _TASK}),
        "link_error": Message("link_error", {"link_error": _TASK}),
        "chain": Message("chain", {"chain": [_TASK]}),
        "chord": Message("chord", {"chord": _TASK}),
        "time_limit": Message("time_limit", {"time_limit": 10}),
        "soft_time_limit": Message("time_limit", {"soft_time_limit": 10}),
        "a group": Message(PROCESSED, {"group_id": str(uuid4()), "group_index": 1}),
        "labels": Message(
            PROCESSED,
            {"shadow": "x", "retries": 3, "ignore_result": True, "stamped_headers": ["a"], "a": "b"},
        ),
        "a place for results": Message(PROCESSED, {"reply_to": "nobody"}),
        "an argument": Message(PROCESSED, wrap=lambda requests: {"args": [requests]}),
        "a second argument": Message("args", wrap=lambda requests: {"args": [requests, 1]}),
        "both": Message("args", wrap=lambda requests: {"args": [1], "kwargs": {"requests": requests}}),
        "another name": Message(
            "tenant", wrap=lambda requests: {"kwargs": {"requests": requests, "tenant": "demo"}}
        ),
        "no requests": Message(
            "the argument `requests` is not a list", wrap=lambda requests: {"kwargs": {"orders": requests}}
        ),
        "nothing beside": Message(PROCESSED, {"headers": {"x": 1}}),
        "protocol 1": Message("set task_protocol to 2", config={"task_protocol": 1}),
        "pickle": Message("application/x-python-serialize", {"serializer": "pickle"}),
        "YAML": Message("application/x-yaml", {"serializer": "yaml"}),
        "NaN": Message("reference", body={"reference": float("nan")}),
        "Infinity, where all is kept": Message(
            "extras.acme.a.0", body={"extras": {"acme": {"a": [float("inf")]}}}
        ),
        "an expiry in the request": Message("expires", body={"not_after": "2020-01-01T00:00:00Z"}),
        "a wrong expiry": Message("not_after", body={"not_after": "soon"}),
    }


def test_what_a_celery_client_says_works_or_is_refused_aloud(broker: Broker, engine: Engine) -> None:
    load(engine, make_event(ticket_classes=[make_ticket_class(capacity=1_000)]))
    broker.worker("orders,maintenance", WILLCALL_SWEEP_SECONDS="1")
    broker.beat("beat", WILLCALL_SWEEP_SECONDS="1")
    messages = _messages()
    sent_at = _now()
    for message in messages.values():
        message.send(broker)

    wait_until(lambda: len(_outcomes(engine)) == len(messages), what="an outcome of every message")

    outcomes = _outcomes(engine)
    dead = sorted(value for key, value in outcomes.items() if not isinstance(key, UUID))
    found = {
        name: outcomes.get(message.id, (PROCESSED, sent_at, "nothing")) for name, message in messages.items()
    }
    assert {name: _summary(messages[name], one, sent_at) for name, one in found.items()} == {
        name: message.expected if message.id in outcomes else "dead" for name, message in messages.items()
    }
    expected = Counter(message.expected for message in messages.values() if message.id not in outcomes)
    assert {part: sum(part in reason for reason in dead) for part in expected} == expected, dead
    wait_until(lambda: broker.depth() == 0, what="all messages to be acknowledged")


def _summary(message: Message, outcome: tuple[str, datetime, Any], sent_at: datetime) -> str:
    status, processed_at, errors = outcome
    if errors == "nothing":
        return "dead"
    if status == "rejected":
        return str(errors[0]["field"])
    # Where clocks are compared it is one machine's; the message was made before `sent_at`, hence the second.
    if message.expected == "later" and processed_at - sent_at >= _LATER - timedelta(seconds=1):
        return "later"
    return status


def _outcomes(engine: Engine) -> dict[object, Any]:
    """Return status, time and errors by request id, and reasons of dead letters."""
    found: dict[object, Any] = {
        id_: (status, at, errors)
        for id_, status, at, errors in rows(engine, "SELECT id, status, processed_at, errors FROM requests")
    }
    with engine.connect() as connection:
        return found | {str(one.id): one.letter.reason for one in list_dead_letters(connection, 1_000)}


@pytest.mark.parametrize("broker", ["valkey"], indirect=True)
def test_a_message_that_expired_in_the_queue_is_rejected(broker: Broker, engine: Engine) -> None:
    load(engine)
    message = Message("expires", {"expires": 0.01})
    message.send(broker)
    time.sleep(0.1)

    broker.worker()

    wait_until(lambda: len(_outcomes(engine)) == 1, what="an outcome")
    assert _outcomes(engine)[message.id][0] == "rejected"


@pytest.fixture
def dead_lettering(rabbitmq: RabbitMQ) -> Iterator[None]:
    """The policy of RabbitMQ that keeps what it gives up."""
    words = '{"dead-letter-exchange": "willcall.dead", "dead-letter-routing-key": "orders.dead"}'
    rabbitmq.ctl("set_policy", "willcall", "^orders$", words, "--apply-to", "queues")
    yield
    rabbitmq.ctl("clear_policy", "willcall")


@pytest.mark.parametrize("broker", [RABBITMQ], indirect=True)
def test_a_message_that_rabbitmq_let_expire_is_rejected(
    broker: Broker, engine: Engine, dead_lettering: None
) -> None:
    load(engine)
    broker.worker().end()  # it has declared what dead letters need
    # A probe of its may be left: it expires in the queue.
    wait_until(lambda: broker.depth() == 0, what="an empty queue")
    before = broker.depth("orders.dead")
    message = Message("expires", {"expires": 0.5})
    message.send(broker)
    wait_until(lambda: broker.depth("orders.dead") > before, what="the broker to give the message up")

    broker.worker(name="second")

    wait_until(lambda: len(_outcomes(engine)) == 1, what="an outcome")
    status, _, errors = _outcomes(engine)[message.id]
    assert (status, [one["field"] for one in errors]) == ("rejected", ["expires"])


@pytest.mark.parametrize("broker", ["valkey"], indirect=True)
def test_what_came_from_lists_of_priorities_goes_back_to_them(broker: Broker, engine: Engine) -> None:
    """A stop returns what it read ahead, each message to its list, and the next worker takes all of it."""
    load(engine)
    for priority in range(10):
        Message(PROCESSED, {"priority": priority}).send(broker)
    before = _lists(broker)

    source = _source(broker)
    taken = source.take(500, 1)
    emptied = _lists(broker)
    source.close()

    assert len(taken) == 10
    assert (emptied, _lists(broker)) == ({}, before)


@pytest.mark.parametrize("broker", ["valkey"], indirect=True)
@pytest.mark.parametrize("limit", [1, 2, 10, 50])
def test_no_priority_keeps_another_waiting(broker: Broker, limit: int) -> None:
    """Each list has its share of what is taken, however small a batch is and however long the others are."""
    with Connection(broker.url) as connection:
        client = connection.default_channel.client
        for priority in (0, 3, 6, 9):
            Message(PROCESSED, {"priority": priority}).send(broker)
        for name in _lists(broker):
            (message,) = client.lrange(name, 0, 0)
            for number in range(999):
                copy = orjson.loads(message)
                copy["properties"]["delivery_tag"] = f"{number} of {name!r}"
                client.lpush(name, orjson.dumps(copy))
        source = _source(broker)
        for _ in range(20):
            source.acknowledge(source.take(limit, 1))
        left = _lists(broker)
        source.close()

    assert len(left) == 4
    assert all(count < 1_000 for count in left.values()), left


def _source(broker: Broker) -> Any:
    from worker.broker.redis.source import RedisSource

    return RedisSource(broker.url, broker.settings)


def _lists(broker: Broker) -> dict[bytes, int]:
    with Connection(broker.url) as connection:
        client = connection.default_channel.client
        return {key: client.llen(key) for key in client.keys("orders*") if client.type(key) == b"list"}
