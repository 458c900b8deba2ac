"""What a worker counts: codes of rejections, the steps of a batch, retries, and its pool."""

from collections.abc import Callable, Iterator
from typing import Any

import orjson
import pytest
from prometheus_client import REGISTRY
from sqlalchemy import Engine, text

from tasks import resources
from tasks.maintenance import retry
from tasks.messages import QueueMessage
from tasks.orders import process_messages
from tests.factories import load, make_body
from tests.poison import cure_orders, poison_orders

STEPS = {
    "parse", "begin", "claim", "look_up", "load", "decide", "write", "publish", "request_log", "commit",
}  # fmt: skip


def _message(*bodies: Any) -> QueueMessage:
    body: list[Any] = [[], {"requests": [{"tenant": "demo", **body} for body in bodies]}, {}]
    return QueueMessage("orders.create", "m", orjson.dumps(body))


def _value(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0.0


def _growth(name: str, **labels: str) -> Callable[[], float]:
    before = _value(name, **labels)
    return lambda: _value(name, **labels) - before


@pytest.fixture
def poison(engine: Engine) -> Iterator[Engine]:
    poison_orders(engine, before="INSERT")
    yield engine
    cure_orders(engine)


def test_each_rejected_request_is_counted_once_by_its_first_code(engine: Engine) -> None:
    load(engine)
    line = make_body()["line_items"][0]
    bad = [
        make_body(currency="EUR"),
        make_body(line_items=[{**line, "quantity": 0}, {**line, "quantity": 0}]),
    ]
    mismatch = _growth("willcall_rejections_total", kind="orders.create", code="currency_mismatch")
    invalid = _growth("willcall_rejections_total", kind="orders.create", code="invalid")
    rejected = _growth("willcall_requests_total", kind="orders.create", outcome="rejected")
    process_messages([_message(make_body(), *bad)])
    assert (mismatch(), invalid(), rejected()) == (1, 1, 2)


def test_each_step_of_a_batch_is_counted_once_and_all_of_them_are_the_batch(engine: Engine) -> None:
    load(engine)
    counts = {step: _growth("willcall_batch_step_seconds_count", step=step) for step in STEPS}
    sums = [_growth("willcall_batch_step_seconds_sum", step=step) for step in STEPS]
    batch = _growth("willcall_batch_seconds_sum")
    process_messages([_message(*(make_body() for _ in range(50)))])
    assert {step: grown() for step, grown in counts.items()} == dict.fromkeys(STEPS, 1)
    # The batch has no parsing, and the steps not what follows the commit.
    assert sum(grown() for grown in sums) == pytest.approx(batch(), rel=0.5)


def test_a_failed_attempt_at_a_batch_has_its_own_step(poison: Engine) -> None:
    load(poison)
    failed = _growth("willcall_batch_step_seconds_count", step="failed")
    committed = _growth("willcall_batch_step_seconds_count", step="commit")
    process_messages([_message(make_body(), make_body(reference="poison"))])
    assert (failed(), committed()) == (1, 1)


def test_retries_are_counted_by_their_result(poison: Engine) -> None:
    load(poison)
    process_messages([_message(make_body(reference="poison"))])
    failed, processed = (
        _growth("willcall_retries_total", result=result) for result in ("failed", "processed")
    )
    requests = _growth("willcall_requests_total", kind="orders.create", outcome="processed")
    _retry_now(poison)
    assert (failed(), processed(), requests()) == (1, 0, 0)
    cure_orders(poison)
    _retry_now(poison)
    assert (failed(), processed(), requests()) == (1, 1, 1)


def _retry_now(engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(text("UPDATE delayed_requests SET next_attempt_at = now() - interval '1 s'"))
    assert retry() == 1


def test_the_pool_of_the_tasks_is_shown(engine: Engine) -> None:
    with resources.engine().connect():
        assert _value("willcall_pool_connections_in_use", pool="tasks") == 1
    assert _value("willcall_pool_connections_in_use", pool="tasks") == 0
    assert _value("willcall_pool_waiting", pool="tasks") == 0
    assert _value("willcall_pool_connections_limit", pool="tasks") == 20
