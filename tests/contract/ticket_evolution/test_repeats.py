"""A captured call that is sent again: what the protocol lets through, and what the window keeps out."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from uuid import uuid4

import httpx
import pytest

from intake.auth.keys import create_key, find_caller_by_id
from intake.dialects.ticket_evolution.repeats import key_of_repeat
from orders.process import process
from tests.contract.ticket_evolution.client import ALL, Broker, sale
from tests.factories import make_request
from tests.intakes import Intake, serving
from tests.processes import PATIENCE_SECONDS
from tests.rabbitmq import free_port

pytestmark = pytest.mark.usefixtures("worker")

HOUR = 3_600


@pytest.fixture
def guarded(intake: Intake, broker: Broker) -> Iterator[Broker]:
    """Return a client of an intake that looks for repeats."""
    changes = {"signed_repeat_seconds": HOUR, "intake_port": free_port()}
    settings = intake.settings.model_copy(update=changes)
    with (
        serving(settings),
        httpx.Client(base_url=f"http://127.0.0.1:{settings.intake_port}", timeout=PATIENCE_SECONDS) as http,
    ):
        yield replace(broker, http=http)


def _order() -> dict[str, object]:
    """Return an order that no other test sends."""
    return sale(internal_notes=str(uuid4()))


def _ids(answer: httpx.Response) -> list[str]:
    assert answer.status_code == 201, answer.text
    return [order["id"] for order in answer.json()["orders"]]


def test_without_a_window_two_equal_calls_are_two_orders(broker: Broker) -> None:
    call = {"orders": [_order()]}

    assert _ids(broker.post(call)) != _ids(broker.post(call))


def test_a_client_that_names_its_call_may_send_it_again(broker: Broker) -> None:
    call, key = {"orders": [_order()]}, str(uuid4())
    first, again = (broker.post(call, idempotency_key=key) for _ in range(2))

    assert _ids(first) == _ids(again)
    assert broker.post({"orders": [_order()]}, idempotency_key=key).status_code == 409


@pytest.mark.parametrize("count", [1, 3])
def test_within_the_window_a_captured_call_makes_no_second_order(guarded: Broker, count: int) -> None:
    call = {"orders": [_order() for _ in range(count)]}
    first = _ids(guarded.post(call))

    # The header is not signed: whoever repeats a call may leave it out, change it, or make one up.
    for headers in ({}, {"idempotency_key": str(uuid4())}, {"idempotency_key": str(uuid4())}):
        assert _ids(guarded.post(call, **headers)) == first
    assert _ids(guarded.post({"orders": [_order()]})) != first


def test_within_the_window_another_key_with_the_same_body_orders_for_itself(guarded: Broker) -> None:
    call, other = {"orders": [_order()]}, guarded.with_scopes(*ALL)

    assert _ids(guarded.post(call)) != _ids(other.post(call))


def test_a_repeat_is_noticed_for_one_window_and_for_no_more_than_two(intake: Intake) -> None:
    with intake.engine.begin() as connection:
        made = create_key(connection, "demo", ["orders.create"], datetime.now(UTC))
        caller = find_caller_by_id(connection, made.id)
    assert caller is not None

    def key_at(now: float) -> str:
        return asyncio.run(key_of_repeat(intake.engine, caller, body, HOUR, now))

    for sent in (0, HOUR / 2, HOUR - 0.1):  # within the window that begins at `start`
        body, start = uuid4().bytes, 1_000 * HOUR
        first = key_at(start + sent)
        with intake.engine.begin() as connection:
            (outcome,) = process(connection, [make_request(idempotency_key=first)], now=datetime.now(UTC))
        assert outcome.errors == ()

        assert key_at(start + sent) == first
        assert key_at(start + sent + HOUR) == first
        assert key_at(start - 0.1) == first  # by a clock that is late
        assert key_at(start + 2 * HOUR) != first
