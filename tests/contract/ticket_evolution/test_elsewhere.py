"""Orders of other ways in Ticket Evolution's words, and Ticket Evolution's words on other ways."""

import json
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from intake.cli.request_files import open_requests
from tests.contract.messages import recorded
from tests.contract.ticket_evolution.client import Broker, sale
from vendors.registry import translate
from vendors.ticket_evolution import DIALECT
from vendors.ticket_evolution.response_models import Order
from willcall.producer import Producer

_BUYER = {"first_name": "Sam", "last_name": "Peter", "email": "sam@example.com", "phone": "+1"}


def _shown(broker: Broker, number: int) -> dict[str, Any]:
    answer = broker.get(f"/v9/orders/{number}")
    assert answer.status_code == 200, answer.text
    Order.model_validate_json(answer.content, strict=False)
    words: dict[str, Any] = answer.json()
    return words


@pytest.mark.usefixtures("worker")
def test_an_order_that_was_made_in_canonical_words_is_shown(broker: Broker) -> None:
    lines = [
        {"ticket_class_id": "16637811", "quantity": 2, "attendees": [{"first_name": "Ann"}]},
        {"ticket_class_id": "16637812", "quantity": 1},
    ]
    made = broker.call(
        "POST", "/v1/orders", buyer=_BUYER, line_items=lines, payments=[{"type": "cash"}]
    ).json()
    order = _shown(broker, made["number"])
    assert (order["seller_id"], order["client_id"], order["type"]) == (101, None, "Order")
    assert order["client"]["email_addresses"] == [{"address": "sam@example.com"}]
    assert order["tax"] == made["totals"]["tax"] != "0.00"
    assert [len(one["tickets"]) for one in order["items"]] == [2, 1]
    assert [one["id"] for one in order["shipments"][0]["items"]] == [one["id"] for one in order["items"]]

    lines = [{"line_number": 1, "quantity": 1}]
    broker.call("POST", f"/v1/orders/{made['id']}/cancel", lines=lines)
    assert [one["state"] for one in _shown(broker, made["number"])["items"][0]["tickets"]] == [
        "sold",
        "voided",
    ]
    broker.call("POST", f"/v1/orders/{made['id']}/cancel", reason="cannot come")
    order = _shown(broker, made["number"])
    assert (order["state"], order["buyer_cancellation_reason"]) == ("canceled", "cannot come")
    assert order["shipments"][0]["state"] == "canceled"
    assert float(order["balance"]) < 0
    broker.call("POST", f"/v1/orders/{made['id']}/payments", type="cash", is_refund=True)
    order = _shown(broker, made["number"])
    assert (order["state"], order["collected"]) == ("canceled", "0.00")
    assert order["payments"][1]["refund"] is True


@pytest.mark.usefixtures("worker")
def test_an_order_all_of_whose_tickets_were_used_is_completed(broker: Broker) -> None:
    (made,) = broker.made(sale())
    (ticket,) = made["items"][0]["tickets"]
    broker.call("POST", "/v1/check-ins", code=ticket["barcode"])
    order = _shown(broker, made["id"])
    assert (order["state"], order["items"][0]["tickets"][0]["state"]) == ("completed", "checked_in")
    assert order["id"] in [one["id"] for one in broker.get("/v9/orders", state="completed").json()["orders"]]


@pytest.mark.usefixtures("worker")
@pytest.mark.parametrize(
    "extras",
    [
        {"shipments": 7, "items": {}, "payments": "x", "promo_code": 3, "reference": []},
        {"shipments": [7, {"items": [0, 0, 9, "x", True], "type": 5, "available": "x"}, {"items": [0]}]},
        {"items": [{"low_seat": 7, "ticket_group": 5, "id": {}}], "payments": [{"token": 7}]},
        {"items": [{"ticket_group": {"price": "x", "cost": [], "face_value": 1}, "seat_order": 5}]},
        {"session_id": 5, "user_agent": [], "billing_address_id": {}, "tax_signature": None},
        {"payments": [{"billing_address_id": [], "check_number": True}]},
    ],
)
def test_whatever_a_patch_makes_of_the_extras_is_shown(broker: Broker, extras: Any) -> None:
    (made,) = broker.made(sale(payments=[{"type": "cash", "token": "t"}], reference="R"))
    id_ = broker.canonical(made["id"])["id"]
    broker.call("PATCH", f"/v1/orders/{id_}", extras={"ticket_evolution": extras})
    assert [one["quantity"] for one in _shown(broker, made["id"])["shipments"][0]["items"]] == [1]


@pytest.mark.usefixtures("worker")
def test_requests_on_the_queue_may_be_in_these_words(broker: Broker) -> None:
    # A producer's own numbers: what is read as a float is taken as the text it was written as.
    request = sale(
        {"ticket_group_id": 16637811, "price": 45.1, "quantity": 1}, shipping=0.07, reference="queue"
    )
    with Producer(broker.intake.settings.broker(), broker.intake.settings) as producer:
        producer.send([request | {"check_fraud": 0}], tenant="brokerage", dialect=DIALECT.name)
    found: list[Any] = []
    while not found:
        found = broker.get("/v9/orders", reference="queue").json()["orders"]
    assert (found[0]["total"], found[0]["check_fraud"]) == ("45.17", True)


def test_a_call_is_taken_apart_into_its_orders() -> None:
    call = {"orders": [sale(), sale(client_id=18)], "check_fraud": "yes"}
    assert DIALECT.split(call) == [
        sale(check_fraud="yes"),
        sale(client_id=18, check_fraud="yes"),
    ]


def test_the_recorded_call_keeps_everything_in_canonical_words() -> None:
    (request,) = DIALECT.split(recorded("ticket_evolution/create_orders.json"))
    words, mistakes = translate(DIALECT.name, "orders.create", json.loads(json.dumps(request, default=str)))
    assert mistakes == ()
    assert words["line_items"] == [
        {
            "ticket_class_id": "16637812",
            "quantity": 2,
            "unit_price": "80.10",
            "low_seat": "41",
            "seat_order": "odd_even",
        },
        {"ticket_class_id": "16637811", "quantity": 1, "unit_price": "45.50"},
    ]
    assert words["buyer"]["email"] == "jackie@example.com"
    assert words["reference"] == "PO-1"
    assert words["extras"]["ticket_evolution"]["reference"] == "OLD-1"


def test_files_of_calls_can_be_submitted(tmp_path: Path) -> None:
    file = tmp_path / "orders.json"
    file.write_text(json.dumps({"orders": [sale(), sale()], "check_fraud": True}))
    with ExitStack() as stack:
        requests = list(open_requests(str(file), "brokerage", stack, DIALECT))
    assert requests == [("brokerage", sale(check_fraud=True))] * 2


def test_other_kinds_of_requests_have_no_words_here() -> None:
    _, mistakes = translate(DIALECT.name, "orders.cancel", sale())
    assert [one.field for one in mistakes] == ["dialect"]
