"""A gate gets its answer at once: let in, or why not."""

import time
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import httpx
import pytest

from intake.routes import check_ins
from tests.intakes import Intake, Worker
from tests.processes import PATIENCE_SECONDS

Order = Callable[..., dict[str, Any]]
WAIT = {"prefer": "wait=30"}


@pytest.fixture
def placed(client: httpx.Client, worker: Worker, order: Order) -> dict[str, Any]:
    """Return an order of two tickets that was placed just now."""
    answer = client.post("/v1/orders", json=order(), headers=WAIT)
    assert answer.status_code == 201
    words: dict[str, Any] = answer.json()
    return words


def codes(answer: httpx.Response) -> list[str]:
    assert answer.headers["content-type"] == "application/problem+json"
    return [error["code"] for error in answer.json()["errors"]]


def scan(client: httpx.Client, **body: Any) -> httpx.Response:
    return client.post("/v1/check-ins", json=body)


def test_a_ticket_is_let_in_by_its_code_and_by_its_id_without_a_word_about_waiting(
    client: httpx.Client, placed: dict[str, Any]
) -> None:
    first, second = placed["tickets"]
    by_code = scan(client, code=first["code"], event_id="concert")
    by_id = scan(client, ticket_id=second["id"].upper())

    assert (by_code.status_code, by_id.status_code) == (200, 200)
    assert by_code.json()["ticket"]["id"] == first["id"]
    assert by_code.json()["ticket"]["status"] == "checked_in"
    assert by_code.json()["order_id"] == placed["id"]
    assert by_code.json()["check_in"] == {"status": "partially_checked_in", "checked_in": 1, "tickets": 2}
    assert by_id.json()["ticket"]["id"] == second["id"]
    assert by_id.json()["check_in"]["status"] == "checked_in"
    assert "preference-applied" not in by_code.headers


def test_a_used_ticket_is_told_with_the_time_of_its_use(client: httpx.Client, placed: dict[str, Any]) -> None:
    code = placed["tickets"][0]["code"]
    used = scan(client, code=code).json()["ticket"]["checked_in_at"]
    again = scan(client, code=code)

    assert (again.status_code, codes(again)) == (409, ["already_checked_in"])
    assert used[:19] in again.json()["errors"][0]["message"]


def test_the_same_scan_again_is_no_second_use(client: httpx.Client, placed: dict[str, Any]) -> None:
    code, nonce = placed["tickets"][0]["code"], str(uuid4())
    answers = [scan(client, code=code, nonce=nonce) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [200, 200]
    assert answers[0].json() == answers[1].json()


def test_a_use_is_undone(client: httpx.Client, placed: dict[str, Any]) -> None:
    code = placed["tickets"][0]["code"]
    scan(client, code=code)
    undone = scan(client, code=code, undo=True)

    assert undone.status_code == 200
    assert undone.json()["ticket"]["status"] == "valid"
    assert undone.json()["check_in"]["status"] == "not_checked_in"
    assert scan(client, code=code).status_code == 200


def test_a_voided_ticket_is_gone(client: httpx.Client, placed: dict[str, Any]) -> None:
    ticket = placed["tickets"][0]
    client.post(f"/v1/orders/{placed['id']}/cancel", json={"ticket_ids": [ticket["id"]]}, headers=WAIT)
    answer = scan(client, code=ticket["code"])

    assert (answer.status_code, codes(answer)) == (410, ["ticket_voided"])


def test_an_unknown_a_forged_and_a_strange_ticket_are_told_apart(
    client: httpx.Client, placed: dict[str, Any]
) -> None:
    code = placed["tickets"][0]["code"]
    forged = code[:40] + ("A" if code[40] != "A" else "B") + code[41:]
    answers = [
        scan(client, ticket_id=str(uuid4())),
        scan(client, code=forged),
        scan(client, code=code, event_id="another"),
        scan(client),
    ]

    assert [answer.status_code for answer in answers] == [404, 422, 422, 422]
    assert [codes(answer)[0] for answer in answers] == [
        "unknown_ticket",
        "forged_ticket",
        "wrong_event",
        "invalid",
    ]


def test_another_tenants_ticket_does_not_exist(intake: Intake, placed: dict[str, Any]) -> None:
    with intake.client(tenant="other") as other:
        answer = scan(other, code=placed["tickets"][0]["code"])

    assert (answer.status_code, codes(answer)) == (404, ["unknown_ticket"])


@pytest.mark.parametrize("prefer", ["respond-async", "wait=0"])
def test_a_gate_that_does_not_wait_is_not_kept(client: httpx.Client, intake: Intake, prefer: str) -> None:
    answer = client.post("/v1/check-ins", json={"code": "x"}, headers={"prefer": prefer})

    assert answer.status_code == 202
    [message] = intake.take_messages()
    assert message.headers["task"] == "tickets.check_in"


def test_without_an_outcome_in_time_the_scan_is_accepted(
    client: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(check_ins, "USUAL_WAIT_SECONDS", 1)
    answer = scan(client, code="x")

    assert answer.status_code == 202
    assert answer.headers["retry-after"] == "1"
    assert "preference-applied" not in answer.headers
    assert client.get(answer.json()["status_url"]).json()["status"] == "pending"


def test_without_a_worker_a_gate_waits_as_long_as_it_said(
    client: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(check_ins, "USUAL_WAIT_SECONDS", 10 * PATIENCE_SECONDS)
    started = time.monotonic()
    answer = client.post("/v1/check-ins", json={"code": "x"}, headers={"prefer": "wait=1"})

    assert time.monotonic() - started >= 1
    assert answer.status_code == 202
    assert answer.headers["retry-after"] == "1"


@pytest.mark.parametrize(
    ("body", "field"), [({"by": "me"}, "by"), ({"tenant": "other"}, "tenant"), ([], None)]
)
def test_what_is_no_scan_is_refused(
    client: httpx.Client, intake: Intake, body: Any, field: str | None
) -> None:
    answer = client.post("/v1/check-ins", json=body)

    assert answer.status_code == 400
    assert [one["field"] for one in answer.json()["errors"]] == [field]
    assert intake.take_requests() == []
