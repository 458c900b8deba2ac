"""The same key again: an answer that was given before says so, and another body is refused at once."""

import json
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.intakes import Intake, Worker

Order = Callable[..., dict[str, Any]]

REPLAYED = "idempotency-replayed"
WAIT = {"prefer": "wait=30"}


def codes(answer: httpx.Response) -> list[str]:
    return [error["code"] for error in answer.json()["errors"]]


def is_replay(answer: httpx.Response) -> bool:
    return bool(answer.headers.get(REPLAYED) == "true")


@pytest.fixture
def key() -> str:
    return str(uuid4())


def test_the_answer_to_a_repeat_says_that_it_was_given_before(
    client: httpx.Client, worker: Worker, order: Order, key: str
) -> None:
    headers = WAIT | {"idempotency-key": key}
    first, again = (client.post("/v1/orders", json=order(), headers=headers) for _ in range(2))

    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json()["id"] == again.json()["id"]
    assert (is_replay(first), is_replay(again)) == (False, True)


def test_a_refusal_that_is_repeated_says_so_too(
    client: httpx.Client, worker: Worker, order: Order, key: str
) -> None:
    body = order(line_items=[{"ticket_class_id": "nothing", "quantity": 1}], idempotency_key=key)
    first, again = (client.post("/v1/orders", json=body, headers=WAIT) for _ in range(2))

    assert (first.status_code, again.status_code) == (422, 422)
    assert codes(first) == codes(again) == ["unknown_ticket_class"]
    assert (is_replay(first), is_replay(again)) == (False, True)


def test_changes_and_holds_and_check_ins_say_so(client: httpx.Client, worker: Worker, order: Order) -> None:
    made = client.post("/v1/orders", json=order(), headers=WAIT).json()
    path = f"/v1/orders/{made['id']}"
    calls: list[tuple[str, str, dict[str, Any]]] = [
        ("PATCH", path, {"reference": "PO-1"}),
        ("POST", f"{path}/payments", {"type": "cash", "amount": "1.00"}),
        ("POST", "/v1/check-ins", {"ticket_id": made["tickets"][0]["id"]}),
        ("POST", f"{path}/cancel", {"lines": [{"line_number": 1, "quantity": 1}]}),
        ("POST", "/v1/holds", {"ticket_class_id": "standing", "quantity": 1}),
    ]
    for method, where, body in calls:
        headers = WAIT | {"idempotency-key": str(uuid4())}
        first, again = (client.request(method, where, json=body, headers=headers) for _ in range(2))
        assert first.status_code == again.status_code < 300, first.text + again.text
        assert (is_replay(first), is_replay(again)) == (False, True), where


def test_an_array_says_so_when_all_of_it_is_repeated(
    client: httpx.Client, worker: Worker, order: Order
) -> None:
    orders = [order(idempotency_key=str(uuid4())) for _ in range(2)]
    first, again = (client.post("/v1/orders", json=orders, headers=WAIT) for _ in range(2))
    partly = client.post("/v1/orders", json=[*orders, order()], headers=WAIT)

    assert first.status_code == again.status_code == partly.status_code == 200
    assert [is_replay(one) for one in (first, again, partly)] == [False, True, False]


def test_who_asks_later_what_became_of_a_repeat_hears_it(
    client: httpx.Client, worker: Worker, order: Order, key: str
) -> None:
    body = order(idempotency_key=key)
    accepted = [client.post("/v1/orders", json=body) for _ in range(2)]
    assert [(one.status_code, is_replay(one)) for one in accepted] == [(202, False)] * 2
    first, again = (one.json() for one in accepted)
    client.post("/v1/orders", json=body, headers=WAIT)  # when this one is there, so are those before it

    assert not is_replay(client.get(first["status_url"]))
    assert is_replay(client.get(again["status_url"]))


def test_another_body_under_the_key_is_refused_at_once(
    client: httpx.Client, intake: Intake, worker: Worker, order: Order, key: str
) -> None:
    headers = {"idempotency-key": key}
    client.post("/v1/orders", json=order(), headers=headers | WAIT)
    worker.stop()  # who waits for an outcome now, waits in vain

    other = client.post("/v1/orders", json=order(reference="PO-2"), headers=headers)

    assert (other.status_code, codes(other)) == (422, ["idempotency_conflict"])
    assert not is_replay(other)
    assert "instance" not in other.json()
    assert intake.take_requests() == []


def test_a_key_of_an_order_is_not_one_of_another_kind(
    client: httpx.Client, intake: Intake, worker: Worker, order: Order, key: str
) -> None:
    headers = {"idempotency-key": key}
    client.post("/v1/orders", json=order(), headers=headers | WAIT)
    worker.stop()

    hold = {"ticket_class_id": "standing", "quantity": 1}
    other = client.post("/v1/holds", json=hold, headers=headers)

    assert (other.status_code, codes(other)) == (422, ["idempotency_conflict"])
    assert intake.take_requests() == []


def test_what_only_looks_different_is_a_repeat(
    client: httpx.Client, worker: Worker, order: Order, key: str
) -> None:
    body = order(idempotency_key=key)
    client.post("/v1/orders", json=body, headers=WAIT)
    turned = client.post("/v1/orders", json=dict(reversed(body.items())), headers=WAIT)

    assert (turned.status_code, is_replay(turned)) == (201, True)


def test_what_nobody_knows_yet_is_taken_and_refused_by_its_outcome(
    client: httpx.Client, intake: Intake, order: Order, key: str
) -> None:
    # No worker: the inbox has none of them.
    first, other = (
        client.post("/v1/orders", json=order(idempotency_key=key, reference=reference))
        for reference in ("PO-1", "PO-2")
    )
    assert (first.status_code, other.status_code) == (202, 202)
    worker = Worker(intake)
    worker.start()
    try:
        client.post("/v1/orders", json=order(idempotency_key=key, reference="PO-1"), headers=WAIT)
        found = client.get(other.json()["status_url"])
        assert (found.json()["status"], codes(found)) == ("rejected", ["idempotency_conflict"])
        assert not is_replay(found)
    finally:
        worker.stop()


def test_the_first_of_two_bodies_stays_a_repeat_whichever_came_here_last(
    client: httpx.Client, intake: Intake, worker: Worker, order: Order, key: str
) -> None:
    first, other = (order(idempotency_key=key, reference=reference) for reference in ("PO-1", "PO-2"))
    client.post("/v1/orders", json=first, headers=WAIT)
    assert client.post("/v1/orders", json=other, headers=WAIT).status_code == 422

    again = client.post("/v1/orders", json=first, headers=WAIT)

    assert (again.status_code, is_replay(again)) == (201, True)


@pytest.mark.parametrize("key", ["\x00", "\ud800", "k" * 201, "willcall:x", 7])
def test_a_key_that_cannot_be_one_is_refused_by_its_outcome(
    client: httpx.Client, worker: Worker, order: Order, key: Any
) -> None:
    for reference in ("PO-1", "PO-2"):
        body = json.dumps(order(idempotency_key=key, reference=reference))
        headers = WAIT | {"content-type": "application/json"}
        answer = client.post("/v1/orders", content=body, headers=headers)
        assert (answer.status_code, codes(answer)) == (422, ["invalid"])


def test_tenants_have_keys_of_their_own(intake: Intake, worker: Worker, order: Order, key: str) -> None:
    with intake.client() as ours, intake.client(tenant="other") as theirs:
        for client in (ours, theirs):
            answer = client.post("/v1/orders", json=order(idempotency_key=key), headers=WAIT)
            assert (answer.status_code, is_replay(answer)) == (201, False)
