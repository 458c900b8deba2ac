"""An order is updated, cancelled and paid over HTTP, and its history tells of it."""

from typing import Any
from uuid import uuid4

import httpx
import pytest

from intake.auth.keys import list_keys
from tests.intake.routes.changes import MERGE_PATCH, WAIT, codes, path_of
from tests.intakes import Intake, Worker


def test_an_update_is_a_request_with_the_patch_and_what_the_key_decides(
    client: httpx.Client, intake: Intake
) -> None:
    id_ = str(uuid4())
    with intake.engine.connect() as connection:
        key_id = list_keys(connection)[-1].id
    headers = {"if-match": '"3"', "idempotency-key": "shop-7"}
    answer = client.patch(f"/v1/orders/{id_}", json={"reference": None}, headers=headers)

    assert answer.status_code == 202
    request_id = answer.json()["request_id"]
    assert answer.json()["status_url"] == answer.headers["location"] == f"/v1/requests/{request_id}"
    [message] = intake.take_messages()
    assert message.headers["task"] == "orders.update"
    assert message.payload[1]["requests"] == [
        {
            "order_id": id_,
            "expected_version": 3,
            "patch": {"reference": None},
            "idempotency_key": "shop-7",
            "tenant": "demo",
            "request_id": request_id,
            "may_set_price": True,
            "by": str(key_id),
        }
    ]


@pytest.mark.parametrize("media_type", [MERGE_PATCH, "application/json", f"{MERGE_PATCH}; charset=utf-8"])
def test_an_updated_order_is_answered_whole(
    client: httpx.Client, placed: dict[str, Any], media_type: str
) -> None:
    answer = client.patch(
        path_of(placed),
        content='{"buyer": {"phone": "1"}, "shipping": "5.00"}',
        headers={**WAIT, "content-type": media_type},
    )

    assert answer.status_code == 200
    body = answer.json()
    assert (body["version"], answer.headers["etag"]) == (2, '"2"')
    assert (body["buyer"]["phone"], body["buyer"]["email"]) == ("1", placed["buyer"]["email"])
    assert body["totals"]["total"] == "96.00"
    assert answer.headers["preference-applied"] == "wait=30"
    assert client.get(path_of(placed)).json() == body


def test_an_update_that_is_not_possible_is_a_problem_with_its_reasons(
    client: httpx.Client, placed: dict[str, Any]
) -> None:
    line = {"ticket_class_id": "none", "quantity": 1}
    no_class = client.patch(path_of(placed), json={"line_items": [line]}, headers=WAIT)
    no_word = client.patch(path_of(placed), json={"colour": "blue"}, headers=WAIT)

    assert (no_class.status_code, codes(no_class)) == (422, ["unknown_ticket_class"])
    assert (no_word.status_code, codes(no_word)) == (422, ["invalid"])


@pytest.mark.parametrize("body", ["[]", "null", "1", '"x"', "", "{"])
def test_a_patch_that_is_no_object_is_refused(client: httpx.Client, intake: Intake, body: str) -> None:
    answer = client.patch(f"/v1/orders/{uuid4()}", content=body, headers={"content-type": MERGE_PATCH})

    assert (answer.status_code, codes(answer)) == (400, ["invalid"])
    assert intake.take_requests() == []


def test_another_content_type_is_refused_and_the_right_ones_named(client: httpx.Client) -> None:
    headers = {"content-type": "application/json-patch+json"}
    answer = client.patch(f"/v1/orders/{uuid4()}", content="[]", headers=headers)

    assert answer.status_code == 415
    assert answer.headers["accept-patch"] == "application/merge-patch+json, application/json"
    assert client.post(f"/v1/orders/{uuid4()}/cancel", content="{}").status_code == 415


@pytest.mark.parametrize(("method", "more"), [("PATCH", ""), ("POST", "/cancel"), ("POST", "/payments")])
@pytest.mark.parametrize("name", ["tenant", "request_id", "may_set_price", "by", "dialect", "seen_version"])
def test_what_the_key_decides_is_refused_by_name(
    client: httpx.Client, intake: Intake, method: str, more: str, name: str
) -> None:
    answer = client.request(method, f"/v1/orders/{uuid4()}{more}", json={name: "x"})

    assert answer.status_code == 400
    assert [one["field"] for one in answer.json()["errors"]] == [name]
    assert intake.take_requests() == []


@pytest.mark.parametrize("more", ["/cancel", "/payments"])
@pytest.mark.parametrize("name", ["order_id", "order_key", "expected_version", "expected_versions"])
def test_what_the_path_or_a_header_says_is_refused_in_the_body(
    client: httpx.Client, intake: Intake, more: str, name: str
) -> None:
    answer = client.post(f"/v1/orders/{uuid4()}{more}", json={name: 1})

    assert answer.status_code == 400
    assert [one["field"] for one in answer.json()["errors"]] == [name]
    assert intake.take_requests() == []


CALLS = [
    ("PATCH", [], {"reference": "x"}),
    ("POST", ["cancel"], {}),
    ("POST", ["payments"], {"type": "cash"}),
]


@pytest.mark.parametrize(("method", "more", "body"), CALLS, ids=["update", "cancel", "payment"])
def test_another_tenants_order_does_not_exist(
    intake: Intake, client: httpx.Client, placed: dict[str, Any], method: str, more: list[str], body: Any
) -> None:
    with intake.client(tenant="other") as other:
        answer = other.request(method, path_of(placed, *more), json=body, headers=WAIT)

    assert (answer.status_code, codes(answer)) == (404, ["unknown_order"])
    assert client.get(path_of(placed)).json() == placed


@pytest.mark.parametrize(("method", "more", "body"), CALLS, ids=["update", "cancel", "payment"])
def test_what_is_no_order_is_not_found(
    client: httpx.Client, worker: Worker, intake: Intake, method: str, more: list[str], body: Any
) -> None:
    for id_ in ("1", "x" * 36):
        assert client.request(method, path_of({"id": id_}, *more), json=body).status_code == 404
    unknown = client.request(method, path_of({"id": uuid4()}, *more), json=body, headers=WAIT)

    assert (unknown.status_code, codes(unknown)) == (404, ["unknown_order"])


def test_a_whole_order_is_cancelled_without_a_body_and_again(
    client: httpx.Client, placed: dict[str, Any]
) -> None:
    first = client.post(path_of(placed, "cancel"), headers=WAIT)
    again = client.post(path_of(placed, "cancel"), headers=WAIT)

    assert (first.status_code, again.status_code) == (200, 200)
    assert first.json() == again.json()
    assert first.json()["status"] == "cancelled"
    assert {ticket["status"] for ticket in first.json()["tickets"]} == {"voided"}
    assert first.headers["etag"] == '"2"'


def test_a_part_is_cancelled_by_line_or_ticket(client: httpx.Client, placed: dict[str, Any]) -> None:
    line = {"lines": [{"line_number": 1, "quantity": 1}], "reason": "cannot come"}
    by_line = client.post(path_of(placed, "cancel"), json=line, headers=WAIT)
    ticket_id = placed["tickets"][0]["id"]
    by_ticket = client.post(path_of(placed, "cancel"), json={"ticket_ids": [ticket_id]}, headers=WAIT)

    assert by_line.json()["totals"]["total"] == "45.50"
    assert [ticket["status"] for ticket in by_line.json()["tickets"]] == ["valid", "voided"]
    assert by_ticket.json()["status"] == "cancelled"


def test_what_a_cancelled_order_does_not_take_is_told(client: httpx.Client, placed: dict[str, Any]) -> None:
    client.post(path_of(placed, "cancel"), headers=WAIT)

    answer = client.patch(path_of(placed), json={"reference": "x"}, headers=WAIT)

    assert (answer.status_code, codes(answer)) == (422, ["not_allowed_in_status"])


def test_a_payment_is_created_and_a_pending_one_completed(
    client: httpx.Client, placed: dict[str, Any]
) -> None:
    pending = client.post(
        path_of(placed, "payments"),
        json={"type": "check", "amount": "91.00", "status": "pending", "reference": "no. 7"},
        headers=WAIT,
    )
    completed = client.post(
        path_of(placed, "payments"), json={"type": "check", "payment_number": 1}, headers=WAIT
    )

    assert (pending.status_code, completed.status_code) == (201, 200)
    assert pending.headers["location"] == path_of(placed)
    assert pending.json()["payment_status"] == "unpaid"
    assert completed.json()["payment_status"] == "paid"
    assert [payment["reference"] for payment in completed.json()["payments"]] == ["no. 7"]


def test_the_same_payment_sent_twice_is_one_payment(client: httpx.Client, placed: dict[str, Any]) -> None:
    headers = {**WAIT, "idempotency-key": str(uuid4())}
    body = {"type": "cash", "amount": "10.00"}
    answers = [client.post(path_of(placed, "payments"), json=body, headers=headers) for _ in range(2)]
    other = client.post(path_of(placed, "payments"), json=body | {"amount": "11.00"}, headers=headers)

    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[1].json()["totals"]["paid"] == "10.00"
    assert (other.status_code, codes(other)) == (422, ["idempotency_conflict"])


def test_a_refund_and_what_cannot_be_paid(client: httpx.Client, placed: dict[str, Any]) -> None:
    paid = client.post(path_of(placed, "payments"), json={"type": "cash"}, headers=WAIT)
    refund = {"type": "cash", "amount": "20.00", "is_refund": True}
    refunded = client.post(path_of(placed, "payments"), json=refund, headers=WAIT)
    card = client.post(path_of(placed, "payments"), json={"type": "credit_card"}, headers=WAIT)

    assert paid.json()["totals"]["balance"] == "0.00"
    assert refunded.json()["totals"]["refunded"] == "20.00"
    assert card.status_code == 422
    assert "gateway" in card.json()["detail"]


def test_the_history_tells_who_changed_what(
    client: httpx.Client, intake: Intake, placed: dict[str, Any]
) -> None:
    with intake.engine.connect() as connection:
        key_id = str(list_keys(connection)[-1].id)
    client.patch(path_of(placed), json={"reference": "PO-2"}, headers=WAIT)
    client.post(path_of(placed, "cancel"), json={"reason": "rain"}, headers=WAIT)

    answer = client.get(path_of(placed, "history"))

    assert answer.status_code == 200
    created, updated, cancelled = answer.json()["items"]
    assert (created["version"], created["kind"], created["changes"]) == (1, "orders.create", [])
    assert (updated["version"], updated["kind"], updated["by"]) == (2, "orders.update", key_id)
    assert updated["changes"] == [{"field": "reference", "from": None, "to": "PO-2"}]
    assert {"field": "status", "from": "placed", "to": "cancelled"} in cancelled["changes"]
    assert client.get(f"/v1/requests/{updated['request_id']}").json()["order_id"] == placed["id"]


def test_nobody_else_reads_the_history(client: httpx.Client, intake: Intake, placed: dict[str, Any]) -> None:
    with intake.client(tenant="other") as other:
        assert other.get(path_of(placed, "history")).status_code == 404
    for id_ in ("1", str(uuid4())):
        assert client.get(f"/v1/orders/{id_}/history").status_code == 404


def test_who_does_not_wait_finds_the_outcome_by_the_request(
    client: httpx.Client, placed: dict[str, Any]
) -> None:
    accepted = client.post(path_of(placed, "cancel"), json={"reason": "rain"})
    answer = client.patch(path_of(placed), json={"reference": "x"}, headers=WAIT)

    assert accepted.status_code == 202
    assert answer.status_code == 422
    outcome = client.get(accepted.json()["status_url"]).json()
    assert (outcome["status"], outcome["order_id"]) == ("processed", placed["id"])
    assert "hold_id" not in outcome
