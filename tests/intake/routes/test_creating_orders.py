"""`POST /v1/orders` takes requests, adds what the key decides, and answers when the broker has it."""

import json
from collections.abc import Callable
from typing import Any
from uuid import UUID

import httpx
import pytest

from intake.auth.keys import list_keys
from tests.intakes import Intake

Order = Callable[..., dict[str, Any]]


def errors_of(answer: httpx.Response) -> list[dict[str, Any]]:
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert problem["status"] == answer.status_code
    assert problem["type"] == "about:blank"
    assert problem["title"]
    assert problem["detail"]
    errors: list[dict[str, Any]] = problem["errors"]
    return errors


def post(client: httpx.Client, content: str | bytes, **headers: str) -> httpx.Response:
    headers = {"content-type": "application/json"} | {
        name.replace("_", "-"): value for name, value in headers.items()
    }
    return client.post("/v1/orders", content=content, headers=headers)


def test_an_order_is_accepted_with_its_id_and_where_to_ask(
    client: httpx.Client, intake: Intake, order: Order
) -> None:
    answer = client.post("/v1/orders", json=order())

    assert answer.status_code == 202
    request_id = answer.json()["request_id"]
    assert UUID(request_id).version == 7
    assert answer.json() == {"request_id": request_id, "status_url": f"/v1/requests/{request_id}"}
    assert answer.headers["location"] == f"/v1/requests/{request_id}"
    assert answer.headers["cache-control"] == "no-store"
    assert "server" not in answer.headers


def test_the_queue_has_the_request_with_what_the_key_decides(
    client: httpx.Client, intake: Intake, order: Order
) -> None:
    with intake.engine.connect() as connection:
        key_id = list_keys(connection)[-1].id
    answer = client.post("/v1/orders", json=order(reference="PO-1"))

    expected = order(reference="PO-1") | {
        "tenant": "demo",
        "request_id": answer.json()["request_id"],
        "may_set_price": True,
        "by": str(key_id),
    }
    assert intake.take_requests() == [expected]


def test_the_message_is_one_of_celery_and_shows_no_name(
    client: httpx.Client, intake: Intake, order: Order
) -> None:
    answer = client.post("/v1/orders", json=order())

    [message] = intake.take_messages()
    assert message.headers["task"] == "orders.create"
    assert message.headers["kwargsrepr"] == f"requests=1 first={answer.json()['request_id']}"
    assert message.headers["willcall_requests"] == 1


@pytest.mark.parametrize(
    ("scopes", "may_set_price"),
    [
        (["orders.create"], False),
        (["orders.create", "orders.set_price"], True),
        (["admin"], True),
    ],
)
def test_only_some_keys_may_set_prices(
    intake: Intake, order: Order, scopes: list[str], may_set_price: bool
) -> None:
    with intake.client(*scopes) as client:
        client.post("/v1/orders", json=order())

    assert intake.take_requests()[0]["may_set_price"] is may_set_price


def test_an_array_is_answered_by_an_array_in_the_same_order(
    client: httpx.Client, intake: Intake, order: Order
) -> None:
    answer = client.post("/v1/orders", json=[order(reference=str(n)) for n in range(500)])

    assert answer.status_code == 202
    assert "location" not in answer.headers
    sent = {request["request_id"]: request["reference"] for request in intake.take_requests()}
    assert [sent[one["request_id"]] for one in answer.json()] == [str(n) for n in range(500)]
    assert answer.json()[7]["status_url"] == f"/v1/requests/{answer.json()[7]['request_id']}"


def test_no_business_rule_is_looked_at(client: httpx.Client) -> None:
    assert client.post("/v1/orders", json={"nonsense": 1}).status_code == 202


@pytest.mark.parametrize("name", ["tenant", "request_id", "may_set_price", "by", "dialect", "seen_version"])
def test_what_the_key_decides_is_refused_by_name(
    client: httpx.Client, intake: Intake, order: Order, name: str
) -> None:
    alone = client.post("/v1/orders", json=order(**{name: "other"}))
    in_array = client.post("/v1/orders", json=[order(), order(**{name: "other"})])

    assert alone.status_code == in_array.status_code == 400
    assert [(one["code"], one["field"]) for one in errors_of(alone)] == [("invalid", name)]
    assert [(one["code"], one["field"]) for one in errors_of(in_array)] == [("invalid", f"1.{name}")]
    assert intake.take_requests() == []


def test_the_header_names_the_request_as_the_field_does(
    client: httpx.Client, intake: Intake, order: Order
) -> None:
    post(client, json.dumps(order()), idempotency_key="shop-7")
    post(client, json.dumps(order(idempotency_key=None)), idempotency_key='"shop-7"')
    post(client, json.dumps(order(idempotency_key="shop-7")), idempotency_key="shop-7")
    post(client, json.dumps(order(idempotency_key='a"b')), idempotency_key=r'"a\"b"')

    keys = [request["idempotency_key"] for request in intake.take_requests()]
    assert keys == ["shop-7", "shop-7", "shop-7", 'a"b']


def test_two_different_idempotency_keys_are_refused(client: httpx.Client, order: Order) -> None:
    answer = post(client, json.dumps(order(idempotency_key="a")), idempotency_key="b")

    assert answer.status_code == 400
    assert [(one["code"], one["field"]) for one in errors_of(answer)] == [("invalid", "idempotency_key")]


@pytest.mark.parametrize("key", ["", '""', "x" * 201, b"\xc3\xbc", b"tab\there"])
def test_a_header_that_is_no_key_is_refused(client: httpx.Client, order: Order, key: str | bytes) -> None:
    value = key.encode() if isinstance(key, str) else key
    headers = {b"content-type": b"application/json", b"idempotency-key": value}
    answer = client.post("/v1/orders", content=json.dumps(order()), headers=headers)

    assert answer.status_code == 400
    assert errors_of(answer)[0]["field"] == "idempotency_key"


def test_two_headers_are_refused(client: httpx.Client, order: Order) -> None:
    headers = [("content-type", "application/json"), ("idempotency-key", "a"), ("idempotency-key", "b")]
    answer = client.post("/v1/orders", content=json.dumps(order()), headers=headers)

    assert answer.status_code == 400


def test_one_header_cannot_name_an_array(client: httpx.Client, order: Order) -> None:
    answer = post(client, json.dumps([order()]), idempotency_key="a")

    assert answer.status_code == 400
    assert "idempotency_key" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ("", "empty"),
        (" \n", "empty"),
        ("{", "not JSON"),
        ('{"a": NaN}', "NaN"),
        ('{"a": -Infinity}', "Infinity"),
        ("{'a': 1}", "not JSON"),
        ('{"a": 1,}', "not JSON"),
        ('{"a": 1} {}', "not JSON"),
        (b'{"a": "\xff"}', "not JSON"),
        (b'\xef\xbb\xbf{"a": 1}', "not JSON"),
        ('{"a": 1}'.encode("utf-16"), "not JSON"),
        ('{"a": 1, "a": 2}', "'a' is duplicate"),
        ('{"b": {"\\u003a": 1, "\\u003a": 1}}', "duplicate"),
        ('{"\\ud800": 1, "\\ud800": 1}', "duplicate"),
        ('{"a": ' * 300 + "1" + "}" * 300, "nested"),
        ("[" * 100_000 + "]" * 100_000, "nested"),
        ('{"a": ' + "9" * 5_000 + ', "a": 1}', "not JSON"),
        ("[]", "1 to 500"),
        ("[" + ",".join(["{}"] * 501) + "]", "this one has 501"),
        ("null", "object or an array"),
        ('"text"', "object or an array"),
        ("[1]", "an order must be an object"),
        ("[{}, []]", "an order must be an object"),
    ],
)
def test_what_is_no_envelope_is_refused_with_a_sentence(
    client: httpx.Client, intake: Intake, body: str | bytes, says: str
) -> None:
    answer = post(client, body)

    assert answer.status_code == 400
    assert says in answer.json()["detail"]
    assert {one["code"] for one in errors_of(answer)} == {"invalid"}
    assert intake.take_requests() == []


def test_a_thousand_mistakes_are_not_all_told(client: httpx.Client) -> None:
    answer = client.post("/v1/orders", json=[1] * 500)

    assert len(errors_of(answer)) == 20
    assert errors_of(answer)[3]["field"] == "3"


def test_one_bad_field_of_an_array_costs_its_neighbours_nothing(client: httpx.Client, intake: Intake) -> None:
    answer = post(client, '[{"reference": "\\ud800"}, {"reference": "good"}, {"number": 1' + "0" * 30 + "}]")

    assert answer.status_code == 202
    first, second, third = intake.take_requests()
    assert (first["reference"], second["reference"]) == ("\ud800", "good")
    assert third["number"] == 10**30


@pytest.mark.parametrize(
    "headers",
    [
        {"content-type": "text/plain"},
        {"content-type": "application/x-www-form-urlencoded"},
        {"content-type": ""},
        {},
        {"content-type": "application/json", "content-encoding": "gzip"},
    ],
)
def test_another_content_type_is_refused(client: httpx.Client, headers: dict[str, str]) -> None:
    answer = client.post("/v1/orders", content="{}", headers=headers)

    assert answer.status_code == 415
    assert errors_of(answer)[0]["code"] == "invalid"


def test_the_content_type_may_name_its_charset(client: httpx.Client) -> None:
    assert post(client, "{}", content_type="Application/JSON; charset=utf-8").status_code == 202


def test_a_wrong_method_is_told_the_right_ones(client: httpx.Client) -> None:
    answer = client.put("/v1/orders")

    assert answer.status_code == 405
    assert answer.headers["allow"] == "GET, HEAD, POST, OPTIONS"
    assert errors_of(answer) == []


@pytest.mark.parametrize("path", ["/v1", "/v2", "/v1/orders/", "/v1/orders/1/2", "/documents"])
def test_a_wrong_path_is_not_found(client: httpx.Client, path: str) -> None:
    answer = client.get(path)

    assert answer.status_code == 404
    assert errors_of(answer) == []
