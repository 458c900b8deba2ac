"""Inventory is set aside over HTTP, and read back by its own tenant."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.intakes import Intake, Worker

Order = Callable[..., dict[str, Any]]
WAIT = {"prefer": "wait=30"}
SOME_ID = "018f3f6e-0000-7000-8000-000000000000"


def in_minutes(minutes: float) -> str:
    return (datetime.now(UTC) + timedelta(minutes=minutes)).isoformat()


def take(client: httpx.Client, **fields: Any) -> httpx.Response:
    body = {"ticket_class_id": "standing", "quantity": 2, **fields}
    return client.post("/v1/holds", json=body, headers=WAIT)


@pytest.fixture
def held(client: httpx.Client, worker: Worker) -> dict[str, Any]:
    """Return a hold of two tickets for a quarter of an hour."""
    answer = take(client, expires_at=in_minutes(15))
    assert answer.status_code == 201, answer.text
    words: dict[str, Any] = answer.json()
    return words


def codes(answer: httpx.Response) -> list[str]:
    assert answer.headers["content-type"] == "application/problem+json"
    return [error["code"] for error in answer.json()["errors"]]


def test_a_hold_has_the_id_of_its_request(client: httpx.Client, worker: Worker) -> None:
    accepted = client.post("/v1/holds", json={"ticket_class_id": "standing", "quantity": 1})
    request_id = accepted.json()["request_id"]
    taken = take(client)

    assert accepted.status_code == 202
    assert taken.status_code == 201
    body = taken.json()
    assert taken.headers["location"] == f"/v1/holds/{body['id']}"
    assert (body["status"], body["quantity"], body["seats"]) == ("held", 2, [])
    assert (body["unit_price"], body["expires_at"], body["order_id"]) == ("45.50", None, None)
    assert client.get(taken.headers["location"]).json() == body
    assert client.get(f"/v1/holds/{request_id}").json()["id"] == request_id
    outcome = client.get(f"/v1/requests/{request_id}").json()
    assert (outcome["status"], outcome["order_id"], outcome["hold_id"]) == ("processed", None, request_id)


def test_the_same_request_again_is_the_same_hold(client: httpx.Client, worker: Worker) -> None:
    key = str(uuid4())
    first, again = (take(client, idempotency_key=key) for _ in range(2))

    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json()


def test_seats_are_held_by_name(client: httpx.Client, worker: Worker) -> None:
    fields = {"ticket_class_id": "stalls", "seats": ["11", "12"]}
    first = client.post("/v1/holds", json=fields, headers=WAIT)
    second = client.post("/v1/holds", json=fields, headers=WAIT)

    assert first.json()["seats"] == ["11", "12"]
    assert (second.status_code, codes(second)) == (422, ["seat_unavailable"])


def test_what_cannot_be_held_is_a_problem(client: httpx.Client, worker: Worker) -> None:
    unknown = take(client, ticket_class_id="none")
    past = take(client, expires_at=in_minutes(-1))

    assert (unknown.status_code, codes(unknown)) == (422, ["unknown_ticket_class"])
    assert (past.status_code, codes(past)) == (422, ["invalid"])
    outcome = client.get(unknown.json()["instance"]).json()
    assert outcome["status"] == "rejected"
    assert "hold_id" not in outcome


def test_a_key_without_the_scope_cannot_hold_at_another_price(intake: Intake, worker: Worker) -> None:
    with intake.client("holds") as client:
        answer = take(client, unit_price="1.00")

    assert (answer.status_code, codes(answer)) == (422, ["price_mismatch"])


def test_a_hold_is_extended_and_released(client: httpx.Client, held: dict[str, Any]) -> None:
    until = in_minutes(30)
    extended = client.post(f"/v1/holds/{held['id']}/extend", json={"expires_at": until}, headers=WAIT)
    without_end = client.post(f"/v1/holds/{held['id']}/extend", headers=WAIT)
    released = [client.post(f"/v1/holds/{held['id']}/release", headers=WAIT) for _ in range(2)]
    late = client.post(f"/v1/holds/{held['id']}/extend", headers=WAIT)

    assert extended.status_code == 200
    assert datetime.fromisoformat(extended.json()["expires_at"]) == datetime.fromisoformat(until)
    assert without_end.json()["expires_at"] is None
    assert [(one.status_code, one.json()["status"]) for one in released] == [(200, "released")] * 2
    assert (late.status_code, codes(late)) == (422, ["hold_expired"])


def test_an_order_uses_a_hold(client: httpx.Client, held: dict[str, Any], order: Order) -> None:
    answer = client.post("/v1/orders", json=order(line_items=[{"hold_id": held["id"]}]), headers=WAIT)

    assert answer.status_code == 201
    used = client.get(f"/v1/holds/{held['id']}").json()
    assert (used["status"], used["order_id"]) == ("used", answer.json()["id"])


def test_a_hold_is_expired_at_the_moment_it_expires(
    client: httpx.Client, intake: Intake, held: dict[str, Any]
) -> None:
    with intake.engine.begin() as connection:
        query = "UPDATE holds SET expires_at = now() - interval '1 second' WHERE id = %s"
        connection.exec_driver_sql(query, (held["id"],))

    assert client.get(f"/v1/holds/{held['id']}").json()["status"] == "expired"
    assert held["id"] not in listed(client, status="held")
    assert held["id"] in listed(client, status="expired")


def listed(client: httpx.Client, **parameters: Any) -> list[str]:
    answer = client.get("/v1/holds", params=parameters)
    assert answer.status_code == 200
    return [one["id"] for one in answer.json()["items"]]


def test_holds_are_listed_newest_first_and_page_by_page(client: httpx.Client, worker: Worker) -> None:
    ids = [take(client).json()["id"] for _ in range(3)]

    first = client.get("/v1/holds", params={"limit": 2, "status": ""}).json()
    second = client.get("/v1/holds", params={"limit": 1, "cursor": first["next_cursor"]}).json()

    assert [one["id"] for one in first["items"]] == [ids[2], ids[1]]
    assert [one["id"] for one in second["items"]] == [ids[0]]
    assert set(ids) <= set(listed(client, ticket_class_id="standing"))
    assert listed(client, ticket_class_id="none") == []


def test_another_tenants_hold_does_not_exist(
    intake: Intake, client: httpx.Client, held: dict[str, Any]
) -> None:
    with intake.client(tenant="other") as other:
        answers = [
            other.get(f"/v1/holds/{held['id']}"),
            other.post(f"/v1/holds/{held['id']}/extend", headers=WAIT),
            other.post(f"/v1/holds/{held['id']}/release", headers=WAIT),
            other.get(f"/v1/requests/{held['id']}"),
        ]
        assert held["id"] not in listed(other)

    assert [answer.status_code for answer in answers] == [404] * 4
    assert client.get(f"/v1/holds/{held['id']}").json() == held


@pytest.mark.parametrize("id_", ["1", "x" * 36, "018f3f6e-0000-7000-8000-000000000000"])
def test_what_is_no_hold_is_not_found(client: httpx.Client, worker: Worker, id_: str) -> None:
    assert client.get(f"/v1/holds/{id_}").status_code == 404
    assert client.post(f"/v1/holds/{id_}/release", headers=WAIT).status_code == 404
    assert client.post(f"/v1/holds/{id_}/extend", headers=WAIT).status_code == 404


@pytest.mark.parametrize(
    ("name", "value", "status"),
    [("limit", "0", 422), ("status", "lost", 422), ("cursor", "x", 400), ("cursor", "AAAA", 400)],
)
def test_a_wrong_parameter_is_named(client: httpx.Client, name: str, value: str, status: int) -> None:
    answer = client.get("/v1/holds", params={name: value})

    assert answer.status_code == status
    assert [(one["code"], one["field"]) for one in answer.json()["errors"]] == [("invalid", name)]


@pytest.mark.parametrize("more", ["", f"/{SOME_ID}/extend", f"/{SOME_ID}/release"])
@pytest.mark.parametrize("name", ["by", "tenant"])
def test_what_the_key_decides_is_refused_by_name(
    client: httpx.Client, intake: Intake, more: str, name: str
) -> None:
    answer = client.post(f"/v1/holds{more}", json={name: "x"})

    assert answer.status_code == 400
    assert [one["field"] for one in answer.json()["errors"]] == [name]
    assert intake.take_requests() == []


def test_the_path_names_the_hold_and_no_body_does(client: httpx.Client, intake: Intake) -> None:
    answer = client.post(f"/v1/holds/{uuid4()}/release", json={"hold_id": str(uuid4())})

    assert answer.status_code == 400
    assert intake.take_requests() == []
