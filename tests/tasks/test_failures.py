"""What happens to a request that fails for a reason that nobody foresaw."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest
from sqlalchemy import Engine, text

from orders.reading.outcomes import find_requests
from orders.recovery.delayed_requests import RetryPolicy, claim_due
from tasks.maintenance import retry
from tasks.messages import QueueMessage, parse
from tasks.orders import process_messages
from tests.factories import load, make_body, rows, scalar
from tests.poison import cure_orders, poison_orders


@pytest.fixture
def poison(engine: Engine) -> Iterator[Engine]:
    """A database in which an order with the reference `poison` fails, as a bug would make it."""
    poison_orders(engine, before="INSERT")
    yield engine
    cure_orders(engine)


def _message(*bodies: Any, id: str = "m") -> QueueMessage:
    body: list[Any] = [[], {"requests": [{"tenant": "demo", **body} for body in bodies]}, {}]
    return QueueMessage("orders.create", id, orjson.dumps(body))


def _make_due(engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(text("UPDATE delayed_requests SET next_attempt_at = now() - interval '1 s'"))


def test_the_culprit_is_put_aside_and_its_neighbours_are_committed(poison: Engine) -> None:
    load(poison)
    bodies = [make_body() for _ in range(20)]
    bodies[13] = make_body(reference="poison")
    report = process_messages([_message(*bodies[:10], id="a"), _message(*bodies[10:], id="b")])
    assert (len(report.outcomes), report.delayed, report.dead) == (19, 1, 0)
    assert scalar(poison, "SELECT count(*) FROM orders") == 19
    assert rows(poison, "SELECT attempts FROM delayed_requests") == [(1,)]
    assert scalar(poison, "SELECT next_attempt_at > now() FROM delayed_requests") is True


def test_a_delayed_request_is_processed_once_its_cause_is_gone(poison: Engine) -> None:
    load(poison)
    process_messages([_message(make_body(reference="poison"))])
    assert retry() == 0, "it is not due yet"
    cure_orders(poison)
    _make_due(poison)
    assert retry() == 1
    assert rows(poison, "SELECT reference FROM orders") == [("poison",)]
    assert scalar(poison, "SELECT count(*) FROM delayed_requests") == 0


def test_a_request_that_fails_for_ever_becomes_a_dead_letter_that_its_producer_can_see(
    poison: Engine,
) -> None:
    load(poison)
    process_messages([_message(make_body(reference="poison", buyer=_secret_buyer()))])
    for _ in range(5):
        assert scalar(poison, "SELECT count(*) FROM dead_letters") == 0
        _make_due(poison)
        retry()
    assert rows(poison, "SELECT attempts, kind, tenant FROM dead_letters") == [(6, "orders.create", "demo")]
    assert scalar(poison, "SELECT count(*) FROM delayed_requests") == 0
    reason, details = rows(poison, "SELECT reason, details FROM dead_letters")[0]
    assert "RaiseException" in reason
    assert "Traceback" in details
    assert "Secretname" not in reason + details
    request_id = scalar(poison, "SELECT request_id FROM dead_letters")
    with poison.connect() as connection:
        assert find_requests(connection, [request_id])[request_id].status == "dead"


def _secret_buyer() -> dict[str, str]:
    return {"first_name": "Secretname", "last_name": "Secretname", "email": "secretname@example.com"}


def test_waits_double_up_to_an_hour() -> None:
    policy = RetryPolicy(max_attempts=20, first_wait=timedelta(seconds=5))
    waits = [policy.wait_after(attempts).total_seconds() for attempts in (1, 2, 3, 4, 10, 11, 20)]
    assert waits == [5, 10, 20, 40, 2_560, 3_600, 3_600]


def test_an_attempt_that_is_under_way_is_not_taken_by_another_sweep(poison: Engine) -> None:
    load(poison)
    process_messages([_message(make_body(reference="poison"))])
    _make_due(poison)
    now = datetime.now(UTC)
    with poison.begin() as connection:
        first = claim_due(connection, limit=10, policy=_policy(), now=now)
    with poison.begin() as connection:
        second = claim_due(connection, limit=10, policy=_policy(), now=now)
    assert ([due.attempts for due in first], second) == ([2], [])


def _policy() -> RetryPolicy:
    return RetryPolicy(max_attempts=6, first_wait=timedelta(seconds=5))


def test_the_log_of_a_batch_has_ids_and_nothing_of_the_buyer(
    engine: Engine, caplog: pytest.LogCaptureFixture
) -> None:
    load(engine)
    bodies = [make_body(buyer=_secret_buyer()) for _ in range(7)]
    with caplog.at_level("DEBUG", logger="tasks.orders"):
        report = process_messages([_message(*bodies)])
    logged = repr([record.__dict__ for record in caplog.records])
    for outcome in report.outcomes:
        assert str(outcome.request_id) in logged
        assert str(outcome.order_id) in logged
    assert "ecretname" not in logged


def test_a_failure_names_the_call_that_the_request_came_by(
    poison: Engine, caplog: pytest.LogCaptureFixture
) -> None:
    load(poison)
    message = _message(make_body(), make_body(reference="poison"))
    calls = {"willcall_calls": ["first", "second"]}
    process_messages([message._replace(headers=calls)])

    [record] = [one for one in caplog.records if one.message == "a request failed unexpectedly"]
    assert record.__dict__["call_id"] == "second"


@pytest.mark.parametrize("calls", [None, "ab", {}, [], [1], ["a b"], ["x" * 129], [""], [None], [["a"]]])
def test_a_header_of_anybodys_names_no_call(calls: object) -> None:
    message = _message(make_body())._replace(headers={"willcall_calls": calls})

    assert [one.call_id for one in parse(message).requests] == [None]
