"""What clients of ACME write loosely, and what is meant by it."""

from typing import Any

import httpx
import pytest

from tests.contract.acme.client import STANDING, Acme, item, simple


@pytest.fixture
def acme(caller: httpx.Client, key: str) -> Acme:
    return Acme(caller, key)


def refused(answer: httpx.Response) -> list[str]:
    assert answer.status_code == 422, answer.text
    return [error["field"] for error in answer.json()["errors"]]


@pytest.mark.parametrize("channel", ["pointOfSale", None, "online", "manualEntry"])
@pytest.mark.parametrize("words", [{}, {"email": None}, {"email": ""}, {"email": " "}])
def test_a_sale_needs_no_email(
    acme: Acme, worker: object, channel: str | None, words: dict[str, Any]
) -> None:
    # The document requires none, and who buys at the till gives none.
    body = {"saleChannel": channel, "orderItems": [item()], **words}
    id_ = acme.create(body)

    order = acme.get(id_)
    assert order["email"] is None
    assert acme.put(id_, order)["email"] is None
    assert acme.put(id_, {**order, "email": "sam@example.com"})["email"] == "sam@example.com"


def test_whole_numbers_and_nulls_are_taken_as_meant(acme: Acme, worker: object) -> None:
    body = b"""{"visitorId": 17.0, "ticketExpireDays": 3e1, "notes": null, "hideEventDate": null,
        "orderItems": [{"ticketingTypeId": 3000000012232.0, "quantity": 2.0, "ticketVos": null,
        "parentItemId": null}]}"""
    headers = {"x-acme-api-key": acme.key, "x-b2c-tenant-id": "t-1", "content-type": "application/json"}
    made = acme.http.post("/v1/b2c/orders", content=body, headers=headers)
    assert made.status_code == 201, made.text

    order = acme.get(made.json())

    assert (order["visitorId"], order["ticketExpireDays"]) == (17, 30)
    assert (order["orderItems"][0]["quantity"], order["orderItems"][0]["ticketingTypeId"]) == (2, STANDING)


def test_fields_that_acme_documents_elsewhere_are_kept(acme: Acme, worker: object) -> None:
    # The order of its API v2 and its clients have them.
    said = {"billingEmail": "bill@example.com", "customerId": 7, "organizationId": "org-1", "noEmail": True}
    id_ = acme.create(simple(**said, orderItems=[item(displayName="Adult")]))

    kept = acme.canonical(id_)["extras"]["acme"]
    assert {name: kept[name] for name in said} == said
    assert kept["items"][0]["displayName"] == "Adult"
    acme.put(id_, {**acme.get(id_), "notes": "changed"})
    kept = acme.canonical(id_)["extras"]["acme"]
    assert {name: kept[name] for name in said} == said
    assert kept["items"][0]["displayName"] == "Adult"


@pytest.mark.parametrize(
    "name",
    ["chargeAmount", "paymentMethod", "reservationId", "payment", "events", "includesFlexPay", "taxes"],
)
def test_what_would_change_money_or_tickets_and_is_not_understood_is_refused(
    acme: Acme, worker: object, name: str
) -> None:
    assert refused(acme.call("POST", "", simple(**{name: 1}))) == [name]
    assert refused(acme.call("POST", "", simple(orderItems=[item(**{name: 1})]))) == [f"orderItems.0.{name}"]
