"""HEAD, OPTIONS, names that cannot be, and parameters that nobody knows: what HTTP says of every path."""

import re
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.intakes import Intake, Worker

Order = Callable[..., dict[str, Any]]

GETS = [
    "/healthz",
    "/readyz",
    "/metrics",
    "/openapi.json",
    "/v1/orders",
    "/v1/holds",
    "/v1/events/concert/ticket-classes",
]
CONTROLS = [f"%{code:02x}" for code in (*range(0x20), 0x7F)]
OF_DIALECTS = {
    "/v1/orders": "/v1/nothing",
    "/v9/orders": "/v9/nothing",
    "/v1/b2c/orders": "/v1/b2c/nothing",
    "/backstage/v3/portals/1/events/2/orders/3": "/backstage/nothing",
    "/connect/token": "/connect/nothing",
    "/events/1/orders": "/events/nothing",
    "/orders/1": "/orders/1/nothing",
}


@pytest.mark.parametrize("path", GETS)
def test_head_is_a_get_without_its_body(client: httpx.Client, path: str) -> None:
    got, headed = client.get(path), client.head(path)

    assert headed.status_code == got.status_code == 200
    assert headed.headers["content-type"] == got.headers["content-type"]
    assert headed.content == b""


def test_the_head_of_what_is_not_there_is_not_found(client: httpx.Client) -> None:
    assert client.head("/v1/nothing").status_code == 404
    assert client.head("/v1/orders/1").status_code == 404


@pytest.mark.parametrize(
    ("path", "methods"),
    [
        ("/v1/orders", "GET, HEAD, POST, OPTIONS"),
        ("/v1/orders/1", "GET, HEAD, PATCH, OPTIONS"),
        ("/v1/check-ins", "POST, OPTIONS"),
        ("/v9/orders", "GET, HEAD, POST, OPTIONS"),
    ],
)
def test_options_gets_the_methods_of_the_path(client: httpx.Client, path: str, methods: str) -> None:
    answer = client.options(path)

    assert answer.status_code == 204
    assert answer.headers["allow"] == methods


def test_options_of_what_is_not_there_is_not_found(client: httpx.Client) -> None:
    assert client.options("/v1/nothing").status_code == 404


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "POST"])
@pytest.mark.parametrize("path", [*GETS, "/", "/docs"])
def test_no_name_holds_a_control_character(
    client: httpx.Client, intake: Intake, path: str, method: str
) -> None:
    for control in CONTROLS:
        assert client.request(method, path + control).status_code == 404, control
    # Inside a name, and before it.
    assert client.request(method, f"{path}%0a/orders").status_code == 404
    assert client.request(method, f"/%1f{path[1:]}").status_code == 404
    assert intake.take_requests() == []


@pytest.mark.parametrize("path", OF_DIALECTS)
def test_a_control_character_is_refused_in_the_words_of_the_path(client: httpx.Client, path: str) -> None:
    missing = client.get(OF_DIALECTS[path])
    assert missing.status_code == 404

    start = path.index("/", 1) if path.count("/") > 1 else len(path)
    for odd in (f"{path}%0a", f"{path}%00", f"{path[:start]}%0d{path[start:]}"):
        answer = client.get(odd)
        assert (answer.status_code, answer.content) == (404, missing.content), odd
        assert answer.headers["content-type"] == missing.headers["content-type"]


@pytest.mark.parametrize(
    "path", ["/v1/orders?statsu=placed", "/v1/holds?x=1&limit=1", "/v1/events/concert/ticket-classes?y="]
)
def test_an_unknown_parameter_is_refused_by_name(client: httpx.Client, path: str) -> None:
    answer = client.get(path)

    assert answer.status_code == 422
    [error] = answer.json()["errors"]
    assert error["field"] in ("statsu", "x", "y")


def test_every_call_in_our_own_words_refuses_an_unknown_parameter(client: httpx.Client) -> None:
    paths = client.get("/openapi.json").json()["paths"]
    calls = [
        (method, re.sub(r"{\w+}", str(uuid4()), path))
        for path, methods in paths.items()
        if path.startswith("/v1/") and not path.startswith("/v1/b2c/")
        for method in methods
    ]
    answers = {call: client.request(*call, params={"lmit": "1"}) for call in calls}

    assert len(calls) > 12
    assert {call: answer.status_code for call, answer in answers.items()} == dict.fromkeys(calls, 422)
    for answer in answers.values():
        assert [error["field"] for error in answer.json()["errors"]] == ["lmit"]


def test_a_misspelt_parameter_keeps_an_order_from_being_taken(client: httpx.Client, intake: Intake) -> None:
    assert client.post("/v1/orders?wait=1", json={}).status_code == 422
    assert intake.take_requests() == []


@pytest.mark.parametrize(
    ("tags", "status"), [("*", 304), ('"7", "1"', 304), ('W/"1"', 304), ('"7"', 200), ("1", 200)]
)
def test_what_is_known_already_is_not_sent_again(
    client: httpx.Client, worker: Worker, order: Order, tags: str, status: int
) -> None:
    path = client.post("/v1/orders", json=order(), headers={"prefer": "wait=30"}).headers["location"]

    assert client.get(path, headers={"if-none-match": tags}).status_code == status
