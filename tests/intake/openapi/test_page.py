"""The contract can be read by programs, and every field of it by people."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from intake.openapi import descriptions
from tests.intakes import Intake
from tests.processes import PATIENCE_SECONDS


@pytest.fixture
def page(intake: Intake) -> dict[str, Any]:
    words: dict[str, Any] = (
        httpx.get(f"{intake.url}/openapi.json", timeout=PATIENCE_SECONDS).raise_for_status().json()
    )
    return words


def references(words: Any) -> Iterator[str]:
    if isinstance(words, dict):
        if "$ref" in words:
            yield words["$ref"]
        for value in words.values():
            yield from references(value)
    elif isinstance(words, list):
        for value in words:
            yield from references(value)


def test_every_field_is_described(page: dict[str, Any]) -> None:
    silent = [
        f"{name}.{field}"
        for name, schema in page["components"]["schemas"].items()
        for field, words in schema.get("properties", {}).items()
        if not words["description"]
    ]

    assert silent == []


def test_no_description_is_of_a_field_that_is_gone(page: dict[str, Any]) -> None:
    fields = {
        f"{name.partition('-')[0]}.{field}"
        for name, schema in page["components"]["schemas"].items()
        for field in schema.get("properties", {})
    }
    names = {field.partition(".")[2] for field in fields}

    assert [field for field in descriptions._FIELDS if field not in fields | names] == []


def test_every_reference_leads_somewhere(page: dict[str, Any]) -> None:
    known = {f"#/components/schemas/{name}" for name in page["components"]["schemas"]}

    assert set(references(page)) <= known


def test_every_call_and_its_answers_are_there(page: dict[str, Any]) -> None:
    answers = {
        f"{method.upper()} {path}": set(operation["responses"])
        for path, operations in page["paths"].items()
        for method, operation in operations.items()
    }

    assert answers["POST /v1/orders"] >= {
        "200",
        "201",
        "202",
        "400",
        "401",
        "403",
        "413",
        "415",
        "422",
        "503",
    }
    assert answers["GET /v1/orders/{order_id}"] >= {"200", "401", "403", "404"}
    assert answers["GET /v1/orders"] >= {"200", "400", "422"}
    assert answers["GET /v1/requests/{request_id}"] >= {"200", "404"}
    assert answers["GET /readyz"] == {"200", "503"}
    assert answers["PATCH /v1/orders/{order_id}"] >= {"200", "202", "400", "403", "404", "412", "415", "422"}
    assert answers["POST /v1/orders/{order_id}/cancel"] >= {"200", "202", "404", "412", "422", "503"}
    assert answers["POST /v1/orders/{order_id}/payments"] >= {"200", "201", "202", "404", "412", "422"}
    assert answers["POST /v1/check-ins"] >= {"200", "202", "404", "409", "410", "422", "503"}
    assert answers["POST /v1/holds"] >= {"201", "202", "422", "503"}
    assert answers["POST /v1/holds/{hold_id}/extend"] >= {"200", "202", "404", "422"}
    assert answers["POST /v1/holds/{hold_id}/release"] >= {"200", "202", "404", "422"}
    assert {"GET /v1/holds", "GET /v1/holds/{hold_id}", "GET /v1/orders/{order_id}/history"} <= set(answers)
    assert {"GET /healthz", "GET /metrics"} <= set(answers)


def test_the_schema_of_an_order_is_the_one_that_validates_it(page: dict[str, Any]) -> None:
    schemas = page["components"]["schemas"]

    assert schemas["OrderRequest"]["required"] == ["buyer", "line_items"]
    assert schemas["OrderRequest"]["properties"]["shipping"]["type"] == "string"
    assert "tickets" in schemas["Order"]["required"]
    body = page["paths"]["/v1/orders"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    assert body["oneOf"][0] == {"$ref": "#/components/schemas/OrderRequest"}


def test_a_body_does_not_name_what_its_path_names(page: dict[str, Any]) -> None:
    schemas = page["components"]["schemas"]

    assert "order_id" not in schemas["CancelRequest"]["properties"]
    assert schemas["PaymentRecord"]["required"] == ["type"]
    assert set(schemas["ExtendRequest"]["properties"]) == {"idempotency_key", "expires_at"}
    assert "required" not in schemas["OrderPatch"]
    assert "required" not in schemas["BuyerPatch"]


def test_every_body_has_an_example(page: dict[str, Any]) -> None:
    bodies = {
        f"{method} {path}": media
        for path, operations in page["paths"].items()
        for method, operation in operations.items()
        for media in operation.get("requestBody", {}).get("content", {}).values()
    }

    assert [name for name, media in bodies.items() if "example" not in media] == []


PUBLIC = {"/healthz", "/readyz", "/metrics"}


def _calls(page: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, calls in page["paths"].items():
        for method, call in calls.items():
            yield method, path, call


def test_every_call_but_the_health_checks_says_who_may_make_it(page: dict[str, Any]) -> None:
    schemes = page["components"]["securitySchemes"]
    for method, path, call in _calls(page):
        assert (call["security"] == []) == (path in PUBLIC), (method, path)
        assert {name for way in call["security"] for name in way} <= set(schemes), (method, path)
    # All that one way names is needed, and one way is enough.
    paths = page["paths"]
    assert paths["/v1/orders"]["post"]["security"] == [{"API key": []}]
    assert paths["/v1/b2c/orders"]["get"]["security"] == [{"x-acme-api-key": [], "x-b2c-tenant-id": []}]
    assert paths["/v9/orders"]["post"]["security"] == [{"X-Token": [], "X-Signature": []}]
    assert paths["/events/{event_uuid}/orders"]["get"]["security"] == [
        {"EventBookings": ["event.list_order"]}
    ]


def test_no_scheme_is_nobodys(page: dict[str, Any]) -> None:
    used = {name for _, _, call in _calls(page) for way in call["security"] for name in way}

    assert used == set(page["components"]["securitySchemes"])


def test_every_call_says_when_to_try_again(page: dict[str, Any]) -> None:
    for method, path, call in _calls(page):
        if path in PUBLIC:
            continue
        for status in ("429", "503"):
            answer = call["responses"][status]
            assert answer["headers"]["Retry-After"]["schema"] == {"type": "string"}, (method, path, status)
            assert answer["content"], (method, path, status)


def test_calls_with_an_idempotency_key_say_how_a_repeat_is_known(page: dict[str, Any]) -> None:
    replayed = {
        (method, path)
        for method, path, call in _calls(page)
        if any("Idempotency-Replayed" in answer.get("headers", {}) for answer in call["responses"].values())
    }
    keyed = {
        (method, path)
        for method, path, call in _calls(page)
        if any(one["name"] == "Idempotency-Key" for one in call.get("parameters", ()))
    }

    assert replayed - keyed == {("get", "/v1/requests/{request_id}")}
    assert keyed <= replayed
    assert len(keyed) > 10
