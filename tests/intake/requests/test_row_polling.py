"""`Prefer: wait=N` waits for the outcome, and no longer than that."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.intakes import Intake, Worker
from tests.processes import PATIENCE_SECONDS

Order = Callable[..., dict[str, Any]]
WAIT = {"prefer": "wait=30"}


def test_a_processed_order_is_answered_whole(client: httpx.Client, worker: Worker, order: Order) -> None:
    answer = client.post("/v1/orders", json=order(), headers=WAIT)

    assert answer.status_code == 201
    body = answer.json()
    assert body["totals"]["total"] == "91.00"
    assert len(body["tickets"]) == 2
    assert answer.headers["location"] == f"/v1/orders/{body['id']}"
    assert answer.headers["etag"] == '"1"'
    assert answer.headers["preference-applied"] == "wait=30"
    assert client.get(answer.headers["location"]).json() == body


def test_a_rejected_order_is_a_problem_with_its_reasons(
    client: httpx.Client, worker: Worker, order: Order
) -> None:
    answer = client.post("/v1/orders", json=order(event_id="nowhere"), headers=WAIT)

    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["preference-applied"] == "wait=30"
    problem = answer.json()
    assert [one["code"] for one in problem["errors"]] == ["unknown_event"]
    assert client.get(problem["instance"]).json()["status"] == "rejected"


def test_a_key_without_the_scope_cannot_name_a_price(intake: Intake, worker: Worker, order: Order) -> None:
    line = {"ticket_class_id": "standing", "quantity": 1, "unit_price": "1.00"}
    with intake.client("orders.create") as client:
        answer = client.post("/v1/orders", json=order(line_items=[line]), headers=WAIT)

    assert answer.status_code == 422
    assert [one["code"] for one in answer.json()["errors"]] == ["price_mismatch"]


def test_an_array_is_answered_by_its_outcomes_in_order(
    client: httpx.Client, worker: Worker, order: Order
) -> None:
    requests = [order(), order(event_id="nowhere"), order()]
    answer = client.post("/v1/orders", json=requests, headers=WAIT)

    assert answer.status_code == 200
    assert [one["status"] for one in answer.json()] == ["processed", "rejected", "processed"]
    assert [bool(one["order_id"]) for one in answer.json()] == [True, False, True]
    assert answer.json()[1]["errors"][0]["code"] == "unknown_event"
    assert set(answer.json()[0]) == {"request_id", "status", "order_id", "errors"}


def test_the_same_key_and_body_again_is_the_first_order(
    client: httpx.Client, worker: Worker, order: Order
) -> None:
    request = order(idempotency_key=str(uuid4()))
    first = client.post("/v1/orders", json=request, headers=WAIT)
    again = client.post("/v1/orders", json=request, headers=WAIT)
    conflict = client.post("/v1/orders", json=request | {"reference": "other"}, headers=WAIT)

    assert first.status_code == again.status_code == 201
    assert first.json() == again.json()
    assert conflict.status_code == 422
    assert conflict.json()["errors"][0]["code"] == "idempotency_conflict"


def test_an_order_that_is_not_processed_in_time_is_accepted(client: httpx.Client, order: Order) -> None:
    started = time.monotonic()
    answer = client.post("/v1/orders", json=order(), headers={"prefer": "respond-async, wait=1"})

    assert 1 <= time.monotonic() - started < 30, "as long as anyone may wait"
    assert answer.status_code == 202
    assert answer.headers["retry-after"] == "1"
    assert answer.headers["preference-applied"] == "wait=1"
    assert set(answer.json()) == {"request_id", "status_url"}


def test_a_dead_letter_is_accepted_and_waited_for_no_longer(
    client: httpx.Client, intake: Intake, order: Order
) -> None:
    with ThreadPoolExecutor(1) as threads:
        waiting = threads.submit(client.post, "/v1/orders", json=order(), headers={"prefer": "wait=30"})
        while not (found := intake.take_requests()):
            time.sleep(0.05)
        with intake.engine.begin() as connection:
            connection.exec_driver_sql(
                "INSERT INTO dead_letters"
                " VALUES (gen_random_uuid(), %s, 'demo', 'orders.create', '', 'broken', '', 6, now())",
                (found[0]["request_id"],),
            )
        answer = waiting.result(25)

    assert answer.status_code == 202
    assert client.get(answer.json()["status_url"]).json()["status"] == "dead"


@pytest.mark.parametrize("prefer", ["wait=0", "wait=x", "wait", "return=minimal", "", "wait=-1", "wait=1.5"])
def test_what_is_no_wait_is_no_wait(client: httpx.Client, order: Order, prefer: str) -> None:
    answer = client.post("/v1/orders", json=order(), headers={"prefer": prefer})

    assert answer.status_code == 202
    assert "preference-applied" not in answer.headers


def test_many_wait_at_once(intake: Intake, client: httpx.Client, worker: Worker, order: Order) -> None:
    with ThreadPoolExecutor(20) as threads:
        calls = [threads.submit(client.post, "/v1/orders", json=order(), headers=WAIT) for _ in range(40)]
        answers = [call.result() for call in calls]

    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["id"] for answer in answers}) == 40


def test_who_hangs_up_harms_nobody(
    intake: Intake, client: httpx.Client, worker: Worker, order: Order
) -> None:
    gone = threading.Thread(target=_hang_up, args=(intake, order()))
    gone.start()
    gone.join()

    assert client.post("/v1/orders", json=order(), headers=WAIT).status_code == 201


def _hang_up(intake: Any, request: dict[str, Any]) -> None:
    with intake.client() as client, pytest.raises(httpx.ReadTimeout):
        client.post(
            "/v1/orders",
            json=[request] * 2,
            headers=WAIT,
            timeout=httpx.Timeout(PATIENCE_SECONDS, read=0.001),
        )
