"""Idempotency keys that begin with `willcall:` are refused over HTTP, wherever the caller says them."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from tests.intakes import Intake, Worker

KEY = "willcall:expire:7"
ID = "018f3f6e-0000-7000-8000-000000000000"
CALLS = [
    ("POST", "/v1/orders"),
    ("PATCH", f"/v1/orders/{ID}"),
    ("POST", f"/v1/orders/{ID}/cancel"),
    ("POST", f"/v1/orders/{ID}/payments"),
    ("POST", "/v1/check-ins"),
    ("POST", "/v1/holds"),
    ("POST", f"/v1/holds/{ID}/extend"),
    ("POST", f"/v1/holds/{ID}/release"),
]


def _mistakes(answer: httpx.Response) -> list[tuple[str, str]]:
    assert answer.headers["content-type"] == "application/problem+json"
    assert "begin with willcall:" in answer.json()["detail"]
    return [(one["code"], one["field"]) for one in answer.json()["errors"]]


@pytest.mark.parametrize("key", [KEY, f'"{KEY}"'])
@pytest.mark.parametrize(("method", "path"), CALLS)
def test_a_reserved_key_in_the_header_is_refused_at_once(
    client: httpx.Client, intake: Intake, method: str, path: str, key: str
) -> None:
    answer = client.request(method, path, json={}, headers={"idempotency-key": key})

    assert answer.status_code == 400
    assert _mistakes(answer) == [("invalid", "idempotency_key")]
    assert intake.take_requests() == []


def test_a_reserved_key_in_the_body_is_refused_as_other_malformed_keys_are(
    client: httpx.Client, worker: Worker, order: Callable[..., dict[str, Any]]
) -> None:
    answer = client.post("/v1/orders", json=order(idempotency_key=KEY), headers={"prefer": "wait=20"})

    assert answer.status_code == 422
    assert _mistakes(answer) == [("invalid", "idempotency_key")]


def test_the_contract_says_so(client: httpx.Client) -> None:
    page = client.get("/openapi.json").json()

    (schema, _) = page["components"]["schemas"]["OrderRequest"]["properties"]["idempotency_key"]["anyOf"]
    assert schema["pattern"].startswith("^(?!willcall:)")
    headers = [one for one in page["paths"]["/v1/orders"]["post"]["parameters"] if one["in"] == "header"]
    (named,) = [one for one in headers if one["name"] == "Idempotency-Key"]
    assert named["schema"]["pattern"].startswith("^(?!willcall:)")
