"""The age of the oldest message in a queue of Redis or Valkey, which nobody takes for that."""

import asyncio
import time
from dataclasses import replace
from typing import Any

import pytest
from celery import Celery

from intake.monitoring.queue_metrics import QueueMetrics
from tests.intake.monitoring.samples import samples_of
from tests.intakes import Intake
from willcall.messages import SENT_AT, Message, task_message
from willcall.publishing import Publisher
from willcall.queues import ORDERS, order_queues, share_of, transport_options
from worker.broker.redis.oldest import OldestMessages
from worker.runtime.settings import Settings

_NAME = "willcall_queue_oldest_seconds"


def _message(seconds_ago: float, tenant: str | None = None) -> Message:
    message = task_message("orders.create", b'{"requests": []}', queue=ORDERS, summary="…", tenant=tenant)
    sent_at = round((time.time() - seconds_ago) * 1_000)
    return replace(message, headers={**message.headers, SENT_AT: sent_at})


def _publish(intake: Intake, *messages: Message) -> None:
    with Publisher(intake.settings.broker(), intake.settings) as publisher:
        publisher.publish(messages)


def _ages(intake: Intake) -> dict[tuple[str, ...], float]:
    metrics = QueueMetrics(intake.settings)
    try:
        return samples_of(asyncio.run(metrics.refreshed()))
    finally:
        metrics.close()


def test_each_queue_has_the_age_of_its_oldest_message(intake: Intake) -> None:
    _publish(intake, _message(100, "demo"), _message(10, "demo"), _message(50))
    ages = _ages(intake)
    share = share_of("demo", intake.settings.broker())
    assert 100 <= ages[_NAME, share] < 130
    assert 50 <= ages[_NAME, ORDERS] < 80
    assert len(ages) == 2
    assert len(intake.take_messages()) == 3, "all messages are still there"


def test_neither_an_empty_queue_nor_a_clock_that_is_ahead_has_an_age(intake: Intake) -> None:
    assert _ages(intake) == {(_NAME, ORDERS): 0.0}
    _publish(intake, _message(-1_000))
    assert _ages(intake) == {(_NAME, ORDERS): 0.0}


def test_a_message_without_a_time_counts_from_when_it_was_first_seen(intake: Intake) -> None:
    url = intake.settings.broker()
    options: dict[str, Any] = transport_options(intake.settings, url)
    with Celery(broker=url, set_as_current=False) as app:
        app.conf.broker_transport_options = options
        for _ in range(2):
            app.send_task("orders.create", kwargs={"requests": []}, queue=ORDERS)
    oldest = OldestMessages()
    with intake.broker() as connection:
        before = time.time()
        first = oldest.read(connection, order_queues(url))
        assert before <= first[ORDERS] <= time.time()
        assert oldest.read(connection, order_queues(url)) == first
        with connection.SimpleQueue(ORDERS) as waiting:
            waiting.get(block=False).ack()
        second = oldest.read(connection, order_queues(url))
    assert second[ORDERS] > first[ORDERS], "another message is the oldest now"


def test_rabbitmq_is_not_asked_as_it_shows_no_message() -> None:
    away = Settings(broker_url="amqp://nobody@127.0.0.1:1//")
    assert samples_of(asyncio.run(QueueMetrics(away).refreshed())) == {}


def test_a_broker_that_is_away_leaves_the_ages_unknown() -> None:
    away = Settings(broker_url="redis://127.0.0.1:1/0")
    assert samples_of(asyncio.run(QueueMetrics(away).refreshed())) == {}


def test_a_body_that_quotes_the_header_does_not_count(intake: Intake) -> None:
    message = _message(20)
    body = b'[[], {"requests": [{"x": "\\"willcall_sent_at\\": 1", "willcall_sent_at": 1}]}, {}]'
    _publish(intake, replace(message, body=body))
    assert 20 <= _ages(intake)[_NAME, ORDERS] < 50


@pytest.mark.parametrize(
    "written",
    ["1", "-5", "0", "true", "null", '"1"', "1.5", "[9999999999999]", "9" * 16, "9" * 400, "9" * 5_000],
    ids=lambda written: written[:20],
)
def test_a_header_that_is_no_time_counts_as_missing_and_hides_no_other_queue(
    intake: Intake, written: str
) -> None:
    strange = _message(0)
    marked = replace(strange, headers={**strange.headers, SENT_AT: 77})
    with intake.broker() as connection:
        channel = connection.default_channel
        _publish(intake, marked)
        key = channel.global_keyprefix + ORDERS
        raw = channel.client.lpop(key)
        name = b'"willcall_sent_at": '
        assert name + b"77" in raw
        channel.client.lpush(key, raw.replace(name + b"77", name + written.encode()))
    _publish(intake, _message(100, "demo"))

    ages = _ages(intake)
    assert 0 <= ages[_NAME, ORDERS] < 30
    assert 100 <= ages[_NAME, share_of("demo", intake.settings.broker())] < 130
    intake.take_messages()
